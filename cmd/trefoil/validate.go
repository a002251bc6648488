package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

func (a *app) validate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate [MODEL...]",
		Short: "Check a spec repository: CUE, and the rules that CUE can't say",
		Long: "Checks a spec repository without asking any engine. Prints every finding with its place, code and hint; `trefoil explain CODE`\n" +
			"says more. Of more than 50 findings the first are printed, errors before all others, and how many there are of each code.\n\n" +
			"-o json and -o sarif hold all of them, -o github makes them annotations of a job of GitHub Actions. SARIF and annotations name\n" +
			"files from the root of the git repository.\n\n" +
			"Exit code 0: nothing is wrong. 1: something is, or the repository could not be read.",
		Annotations:       map[string]string{moreOutputs: "sarif github"},
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			s, err := a.read(cmd, words)
			if err != nil {
				return err
			}
			r := newVerdict(s, words)
			if err := a.printVerdict(r); err != nil {
				return err
			}
			if r.errors > 0 {
				return exit{code: 1}
			}
			return nil
		},
	}
}

// verdict is what validate found of the models that its words name.
type verdict struct {
	findings       []schema.Finding // by place
	models, errors int
	source         source
}

func newVerdict(s specs, words []string) verdict {
	models := slices.DeleteFunc(named(s.catalog, plan.Plan{}), func(name string) bool { return !wanted(words, name) })
	return verdict{
		findings: about(s.catalog, words), models: len(models), errors: len(faults(s.catalog, words)),
		source: source{files: s.files, prefix: s.prefix, lines: map[string][]string{}},
	}
}

func (r verdict) String() string {
	return fmt.Sprintf("%s, %s", count(r.models, "model"), count(r.errors, "error"))
}

func (a *app) printVerdict(r verdict) error {
	switch a.flags.output {
	case "json":
		return a.printJSON(map[string]any{"format_version": formatVersion, "findings": r.json()})
	case "sarif":
		if len(r.findings) > mostResults {
			fmt.Fprintf(a.err, "trefoil: GitHub refuses a file with more than %d results, and this one has %d\n", mostResults, len(r.findings))
		}
		return a.printJSON(r.sarif())
	case "github":
		r.github(a.out)
	default:
		if a.screen.width > 0 {
			plain, _ := a.env("NO_COLOR")
			r.draw(a.out, canvas{a.screen.width, plain == ""})
		} else {
			r.print(a.out)
		}
	}
	fmt.Fprintln(a.out, r)
	return nil
}

// findingJSON is what -o json says of a finding; docs/schemas/validate.json describes it.
type findingJSON struct {
	Code        string          `json:"code"`
	Severity    schema.Severity `json:"severity"`
	Model       string          `json:"model,omitempty"`
	Environment string          `json:"environment,omitempty"`
	File        string          `json:"file"`
	Line        int             `json:"line,omitempty"`
	Column      int             `json:"column,omitempty"`
	Message     string          `json:"message"`
	Hint        string          `json:"hint,omitempty"`
}

func findingOf(f schema.Finding) findingJSON {
	return findingJSON{
		f.Code, f.Severity, f.Scope.Model, f.Scope.Environment, f.Pos.File, f.Pos.Line, f.Pos.Column, f.Message, f.Hint,
	}
}

func (r verdict) json() []findingJSON {
	all := []findingJSON{}
	for _, f := range r.findings {
		all = append(all, findingOf(f))
	}
	return all
}

// invalid prints what is wrong to the error stream and ends with the code of an invalid spec; nil where nothing is.
func (a *app) invalid(c schema.Catalog, words []string) error {
	wrong := faults(c, words)
	if len(wrong) == 0 {
		return nil
	}
	verdict{findings: wrong}.print(a.err)
	return exit{code: 3}
}

// count is "1 model" or "2 models".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
