package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// planFlags are those of `plan` alone.
type planFlags struct {
	live, detailed bool
	base, head     string
	failOn         []string
	experiments    int
	here           localFlags
}

func (a *app) plan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [MODEL...]",
		Short: "Say what a change does, or what comes next for each model and why the others wait",
		Long: "Says what comes next for each model. Without --live no engine is asked: the plan then says what git still lacks, as if\n" +
			"everything that git has decided were carried out. Nothing is changed.\n\n" +
			"With --base it says what merging a change does: the head is compared with the commit at which it left the base, and planned\n" +
			"as if everything that was asked for there were done. That needs git alone.\n\n" +
			"With --live the configured repository is compared with what the engines hold; with -C too, the files of a folder are, as for a\n" +
			"pull request: which objects are meant is still said by the configured URL, branch and path. -o FILE (a name with a dot or a\n" +
			"slash) saves that plan for `trefoil run --once --plan FILE`.\n\n" +
			"--fail-on and --max-experiments let a team ask for a word in git before something expensive or destructive is merged: a trailer\n" +
			"`Trefoil-Approve: rerun` or `Trefoil-Approve: delete mnist` in a commit of the change, for deletions `retired` too.\n\n" +
			"Exit code 0: planned. 1: an error, something that was not approved, or an engine could not be seen. 3: the spec is invalid.\n" +
			"With --detailed-exitcode 2: there is something to do.",
		ValidArgsFunction: a.complete,
		Annotations:       map[string]string{moreOutputs: "markdown " + toFile},
		RunE: func(cmd *cobra.Command, words []string) error {
			switch {
			case cmd.Flags().Changed("base"):
				return a.planBase(cmd, words, f)
			case f.head != "" || len(f.failOn) > 0 || f.experiments > 0:
				return fmt.Errorf("--head, --fail-on and --max-experiments go with --base")
			case f.live || f.here.local:
				return a.planLive(cmd, words, f)
			}
			return a.planNext(cmd, words, f)
		},
	}
	cmd.Flags().StringVar(&f.base, "base", "", "`revision` to compare with, such as main: says what merging the head does")
	cmd.Flags().StringVar(&f.head, "head", "", "`revision` that is to be merged; without it the files of -C as they are on disk (worktree)")
	cmd.Flags().BoolVar(&f.live, "live", false, "ask the engines too; without -C of the configured repository")
	cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 where there is something to do")
	cmd.Flags().StringSliceVar(&f.failOn, "fail-on", nil, "`words` of the plan that need an approval in git, such as rerun,delete")
	cmd.Flags().IntVar(&f.experiments, "max-experiments", 0, "more experiments than so many need an approval in git; 0 for any number")
	f.here.add(cmd)
	return cmd
}

// planNext says what git still lacks.
func (a *app) planNext(cmd *cobra.Command, words []string, f planFlags) error {
	if err := a.reviews("text", "json"); err != nil {
		return err
	}
	s, err := a.read(cmd, words)
	if err != nil {
		return err
	}
	settings := s.config.settings()
	p := plan.Make(plan.Input{
		Catalog: s.catalog, Live: plan.Done(s.catalog, settings), Settings: settings, Revision: s.revision,
		Now: time.Now(), Limits: s.config.limits(),
	})
	return a.printPlan(only(p, words), len(faults(s.catalog, words)), f.detailed)
}

// planLive says what comes next as far as the engines can be seen.
func (a *app) planLive(cmd *cobra.Command, words []string, f planFlags) error {
	if err := a.reviews("text", "json", toFile); err != nil {
		return err
	}
	d, pass, err := a.look(cmd, words, f.here)
	if err != nil {
		return err
	}
	next := only(pass.Plan, words)
	if isFile(a.flags.output) {
		if err := save(a.flags.output, d.config.owner(), next, pass.Revision); err != nil {
			return err
		}
		fmt.Fprintf(a.err, "trefoil: saved as %s: trefoil run --once --plan %s carries it out\n", a.flags.output, a.flags.output)
	}
	ends := a.printPlan(next, len(faults(pass.Catalog, words)), f.detailed)
	if err := blind(pass); err != nil { // nothing to do as far as anyone can see is not nothing to do
		return err
	}
	return ends
}

// reviews refuses an output that this way to plan does not have.
func (a *app) reviews(known ...string) error {
	o := a.flags.output
	if slices.Contains(known, o) || isFile(o) && slices.Contains(known, toFile) {
		return nil
	}
	if isFile(o) {
		return fmt.Errorf("-o %s: a plan is saved with --live", o)
	}
	return fmt.Errorf("-o %s: that is of --base", o)
}

func (c config) limits() plan.Limits { return plan.Limits(c.Fuses) }

// only leaves the models that the words name.
func only(p plan.Plan, words []string) plan.Plan {
	var q plan.Plan
	for _, x := range p.Actions {
		if wanted(words, x.Scope().Model) {
			q.Actions = append(q.Actions, x)
		}
	}
	for _, h := range p.Holds {
		if h.Model == "" || wanted(words, h.Model) {
			q.Holds = append(q.Holds, h)
		}
	}
	return q
}

// actionJSON and holdJSON are what -o json says of a plan. Action is the word that the text begins with, such as "search".
type actionJSON struct {
	Model       string `json:"model"`
	Environment string `json:"environment,omitempty"`
	Action      string `json:"action"`
	Text        string `json:"text"`
}

type holdJSON struct {
	Model       string `json:"model,omitempty"`
	Environment string `json:"environment,omitempty"`
	Reason      string `json:"reason"`
	Log         string `json:"log,omitempty"`
}

func (a *app) printPlan(p plan.Plan, invalid int, detailed bool) error {
	actions, holds := []actionJSON{}, []holdJSON{}
	for _, x := range p.Actions {
		word, text, _ := strings.Cut(words(x), ": ")
		actions = append(actions, actionJSON{x.Scope().Model, x.Scope().Environment, word, text})
	}
	for _, h := range p.Holds {
		holds = append(holds, holdJSON(h))
	}
	printed, err := a.json(map[string]any{"format_version": formatVersion, "actions": actions, "holds": holds})
	switch {
	case err != nil:
		return err
	case !printed:
		fmt.Fprint(a.out, p)
	}
	switch {
	case invalid > 0:
		return exit{code: 3}
	case detailed && len(p.Actions) > 0:
		return exit{code: 2}
	}
	return nil
}
