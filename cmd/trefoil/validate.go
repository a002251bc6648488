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
		Use:               "validate [MODEL...]",
		Short:             "Check a spec repository: CUE, and the rules that CUE can't say",
		Long:              "Checks a spec repository without asking any engine. Prints every finding with its place, code and hint.\n\nExit code 0: nothing is wrong. 1: something is, or the repository could not be read.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			s, err := a.read(cmd, words)
			if err != nil {
				return err
			}
			return a.printFindings(s, words)
		},
	}
}

// findingJSON is what -o json says of a finding. Without a model it is about the whole revision; lines and columns count from 1.
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

func (a *app) printFindings(s specs, words []string) error {
	findings, views := about(s.catalog, words), []findingJSON{}
	for _, f := range findings {
		views = append(views, findingOf(f))
	}
	models := slices.DeleteFunc(named(s.catalog, plan.Plan{}), func(name string) bool { return !wanted(words, name) })
	errors := len(faults(s.catalog, words))
	if printed, err := a.json(map[string]any{"format_version": formatVersion, "findings": views}); err != nil {
		return err
	} else if !printed {
		for _, f := range findings {
			fmt.Fprintln(a.out, f)
		}
		fmt.Fprintf(a.out, "%s, %s\n", count(len(models), "model"), count(errors, "error"))
	}
	if errors > 0 {
		return exit{code: 1}
	}
	return nil
}

// invalid prints what is wrong to the error stream and ends with the code of an invalid spec; nil where nothing is.
func (a *app) invalid(c schema.Catalog, words []string) error {
	wrong := faults(c, words)
	if len(wrong) == 0 {
		return nil
	}
	for _, f := range wrong {
		fmt.Fprintln(a.err, f)
	}
	return exit{code: 3}
}

// count is "1 model" or "2 models".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
