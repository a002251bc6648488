package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
)

// check refuses rules that could never apply.
func (f planFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("head") && f.head == "" {
		return fmt.Errorf("--head: write a branch, tag or commit, or %s", worktree)
	}
	for _, word := range f.failOn {
		if !slices.Contains(review.Words(), word) {
			return fmt.Errorf("--fail-on %s: there is %s", word, strings.Join(review.Words(), ", "))
		}
	}
	if f.experiments < 0 {
		return fmt.Errorf("--max-experiments %d: write a number, 0 for any", f.experiments)
	}
	return nil
}

// unapproved are what the flags ask an approval for and git has none for. Where the messages can't be told no approval counts.
func (f planFlags) unapproved(r *review.Review, messages func() ([]string, error)) []string {
	if len(f.failOn) == 0 && f.experiments == 0 {
		return nil
	}
	said, err := messages()
	all := r.Unapproved(review.Rules{Words: f.failOn, Experiments: f.experiments}, said)
	if err != nil && len(all) > 0 {
		r.Notes = append(r.Notes, "no approval can be looked for: "+err.Error())
	}
	return all
}

// ends is how the process ends.
func (f planFlags) ends(r review.Review, unapproved []string) error {
	switch {
	case len(r.Findings) > 0:
		return exit{code: 3}
	case len(unapproved) > 0:
		return fmt.Errorf("this needs a word in git, as a trailer of a commit of the change:\n  %s", strings.Join(unapproved, "\n  "))
	case f.detailed && len(r.Models) > 0:
		return exit{code: 2}
	}
	return nil
}

func (a *app) printReview(r review.Review, unapproved []string) error {
	switch a.flags.output {
	case "json":
		_, err := a.json(reviewOf(r, unapproved))
		return err
	case "markdown":
		_, err := io.WriteString(a.out, r.Markdown())
		return err
	}
	_, err := io.WriteString(a.out, r.String())
	return err
}

// reviewJSON is what -o json says of a comparison; docs/schemas/plan.json describes it.
type reviewJSON struct {
	FormatVersion int           `json:"format_version"`
	Base          sideJSON      `json:"base"`
	Head          sideJSON      `json:"head"`
	Summary       summaryJSON   `json:"summary"`
	Models        []modelJSON   `json:"models"`
	Holds         []holdJSON    `json:"holds"`
	Findings      []findingJSON `json:"findings"`
	Notes         []string      `json:"notes"`
	Unapproved    []string      `json:"unapproved"`
}

type sideJSON struct {
	Name     string        `json:"name"`
	Revision plan.Revision `json:"revision,omitempty"`
}

type summaryJSON struct {
	Text        string         `json:"text"`
	Counts      map[string]int `json:"counts"` // models by their word
	Experiments int            `json:"experiments"`
	GPUHours    *float64       `json:"gpu_hours,omitempty"`
	CPUHours    *float64       `json:"cpu_hours,omitempty"`
	Unbounded   int            `json:"unbounded,omitempty"` // models whose experiments may take any time
	Unchanged   int            `json:"unchanged"`
}

type modelJSON struct {
	Model       string      `json:"model"`
	From        string      `json:"from,omitempty"`
	Action      string      `json:"action"`
	Causes      []causeJSON `json:"causes"`
	Steps       []stepJSON  `json:"steps"`
	Holds       []holdJSON  `json:"holds"`
	Experiments int         `json:"experiments"`
	GPUHours    *float64    `json:"gpu_hours,omitempty"`
	CPUHours    *float64    `json:"cpu_hours,omitempty"`
	Warnings    []string    `json:"warnings"`
	Notes       []string    `json:"notes"`
}

type causeJSON struct {
	Field  string `json:"field,omitempty"`
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Gone   bool   `json:"gone,omitempty"` // the place is in the base
}

type stepJSON struct {
	Model       string `json:"model"`
	Environment string `json:"environment,omitempty"`
	Action      string `json:"action"`
	Text        string `json:"text"`
	Pass        int    `json:"pass"`
	If          string `json:"if,omitempty"`
}

func reviewOf(r review.Review, unapproved []string) reviewJSON {
	j := reviewJSON{
		FormatVersion: formatVersion, Base: sideJSON{r.Base.Name, r.Base.Revision}, Head: sideJSON{r.Head.Name, r.Head.Revision},
		Summary: summaryJSON{Text: r.Summary(), Counts: map[string]int{}, Experiments: r.Experiments(), Unchanged: r.Unchanged},
		Models:  []modelJSON{}, Holds: holdsOf(r.Holds), Findings: []findingJSON{}, Notes: list(r.Notes), Unapproved: list(unapproved),
	}
	cost, unbounded := r.Total()
	j.Summary.GPUHours, j.Summary.CPUHours, j.Summary.Unbounded = known64(cost.GPUHours), known64(cost.CPUHours), unbounded
	for _, word := range review.Words() {
		if n, _ := r.Count(word); n > 0 {
			j.Summary.Counts[word] = n
		}
	}
	for _, m := range r.Models {
		j.Models = append(j.Models, modelOf(m))
	}
	for _, f := range r.Findings {
		j.Findings = append(j.Findings, findingOf(f))
	}
	return j
}

func modelOf(m review.Model) modelJSON {
	j := modelJSON{
		Model: m.Name, From: m.From, Action: m.Word, Causes: []causeJSON{}, Steps: []stepJSON{}, Holds: holdsOf(m.Holds),
		Experiments: m.Experiments, GPUHours: known64(m.Cost.GPUHours), CPUHours: known64(m.Cost.CPUHours),
		Warnings: list(m.Warnings), Notes: list(m.Notes),
	}
	for _, c := range m.Causes {
		j.Causes = append(j.Causes, causeJSON{c.Field, c.Old, c.New, c.Pos.File, c.Pos.Line, c.Pos.Column, c.Gone})
	}
	for _, s := range m.Steps {
		j.Steps = append(j.Steps, stepJSON{s.Scope.Model, s.Scope.Environment, s.Word, s.Text, s.Pass, s.If})
	}
	return j
}

func holdsOf(all []plan.Hold) []holdJSON {
	holds := []holdJSON{}
	for _, h := range all {
		holds = append(holds, holdJSON(h))
	}
	return holds
}

// list is never null.
func list(all []string) []string { return append([]string{}, all...) }

// known64 is nil for what is not known, else rounded to what is worth knowing of hours.
func known64(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	v = math.Round(v*100) / 100
	return &v
}
