package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

func (a *app) plan() *cobra.Command {
	var live, detailed bool
	var here localFlags
	cmd := &cobra.Command{
		Use:   "plan [MODEL...]",
		Short: "Say what comes next for each model, and why the others wait",
		Long: "Says what comes next for each model. Without --live no engine is asked: the plan then says what git still lacks, as if\n" +
			"everything that git has decided were carried out. Nothing is changed.\n\n" +
			"With --live the configured repository is compared with what the engines hold; with -C too, the files of a folder are, as for a\n" +
			"pull request: which objects are meant is still said by the configured URL, branch and path.\n\n" +
			"Exit code 0: planned. 1: an error, or an engine could not be seen. 3: the spec is invalid. With --detailed-exitcode 2:\n" +
			"there is something to do.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			if live || here.local {
				return a.planLive(cmd, words, detailed, here)
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
			return a.printPlan(only(p, words), len(faults(s.catalog, words)), detailed)
		},
	}
	cmd.Flags().BoolVar(&live, "live", false, "ask the engines too; without -C of the configured repository")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 where there is something to do")
	here.add(cmd)
	return cmd
}

func (a *app) planLive(cmd *cobra.Command, words []string, detailed bool, here localFlags) error {
	_, pass, err := a.look(cmd, words, here)
	if err != nil {
		return err
	}
	ends := a.printPlan(only(pass.Plan, words), len(faults(pass.Catalog, words)), detailed)
	if err := blind(pass); err != nil { // nothing to do as far as anyone can see is not nothing to do
		return err
	}
	return ends
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
