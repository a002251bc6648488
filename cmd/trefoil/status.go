package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// What is said of a model, and of an environment, about which there is nothing to say.
const (
	upToDate  = "up to date"
	available = "available"
)

// state is a line of `trefoil status`: a model, or one environment of it.
type state struct {
	Model       string `json:"model"`
	Environment string `json:"environment,omitempty"`
	// Release is the model's latest, or what the environment asks for in the cluster; 0 for none.
	Release int `json:"release,omitempty"`
	// State is what comes next or why nothing does.
	State []string `json:"state"`
}

func (a *app) status() *cobra.Command {
	var here localFlags
	cmd := &cobra.Command{
		Use:   "status [MODEL...]",
		Short: "Say where each model is and why it does not move",
		Long: "Asks the repository and the engines where each model is, what comes next and what it waits for, and the cluster what the\n" +
			"daemon said last and when it was seen. Changes nothing.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			if !here.local {
				if err := remoteOnly(cmd); err != nil {
					return err
				}
			}
			d, pass, err := a.look(cmd, words, here)
			switch {
			case d != nil && err != nil && a.flags.output == "text":
				for _, line := range d.seen(cmd.Context(), pass).alone(words) {
					fmt.Fprintln(a.out, line)
				}
				return err
			case err != nil:
				return err
			}
			return a.printStates(pass, d.seen(cmd.Context(), pass), d.config, words)
		},
	}
	here.add(cmd)
	return cmd
}

func (a *app) printStates(pass reconcile.Pass, s seen, c config, words []string) error {
	all := slices.DeleteFunc(s.told(states(pass), pass), func(s state) bool { return s.Model != "" && !wanted(words, s.Model) })
	printed, err := a.json(map[string]any{
		"format_version": formatVersion, "revision": pass.Revision, "daemon": s.json(), "states": all, "unknown": missed(pass),
	})
	if printed || err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s %s at %s\n", c.Repository.URL, c.Repository.Branch, pass.Revision.Short())
	for _, line := range s.lines(pass) {
		fmt.Fprintln(a.out, line)
	}
	for _, line := range unseen(pass) {
		fmt.Fprintln(a.out, "unknown: "+line)
	}
	fmt.Fprintln(a.out)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tENVIRONMENT\tRELEASE\tSTATE")
	for _, s := range all {
		release := "-"
		if s.Release > 0 {
			release = fmt.Sprint(s.Release)
		}
		for i, line := range s.State {
			if i > 0 {
				fmt.Fprintf(w, "\t\t\t%s\n", line)
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", cmp.Or(s.Model, "(all)"), cmp.Or(s.Environment, "-"), release, line)
		}
	}
	return w.Flush()
}

// states has a line for every model and environment, in order.
func states(pass reconcile.Pass) []state {
	lines := map[schema.Scope][]string{}
	for _, x := range pass.Plan.Actions {
		lines[x.Scope()] = append(lines[x.Scope()], "next: "+words(x))
	}
	why := slices.Collect(maps.Values(pass.Live.Unknown))
	for _, h := range pass.Plan.Holds {
		scope := schema.Scope{Model: h.Model, Environment: h.Environment}
		if slices.Contains(why, h.Reason) {
			h.Reason = "unknown" // why is said once, above
		}
		lines[scope] = append(lines[scope], h.Reason)
		for _, line := range h.Lines() {
			lines[scope] = append(lines[scope], "| "+line)
		}
	}
	var all []state
	for _, m := range pass.Catalog.Models {
		all = append(all, state{Model: m.Name, Release: pass.Catalog.Selected[m.Name].Latest, State: take(lines, schema.Scope{Model: m.Name}, upToDate)})
		for _, e := range m.Serve {
			s := state{Model: m.Name, Environment: e.Name, Release: serving(pass, e)}
			s.State = take(lines, schema.Scope{Model: m.Name, Environment: e.Name}, available)
			all = append(all, s)
		}
	}
	for scope, l := range lines { // what is frozen or left the repository
		all = append(all, state{Model: scope.Model, Environment: scope.Environment, Release: pass.Catalog.Selected[scope.Model].Latest, State: l})
	}
	slices.SortStableFunc(all, func(a, b state) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Environment, b.Environment))
	})
	return all
}

func take(lines map[schema.Scope][]string, scope schema.Scope, otherwise string) []string {
	l, ok := lines[scope]
	if !ok {
		return []string{otherwise}
	}
	delete(lines, scope)
	return l
}

// words is an action without the model that it is about.
func words(a plan.Action) string {
	return a.String()[len(a.Scope().String())+2:]
}

// serving is the release that an environment is asked to serve in the cluster; 0 for none.
func serving(pass reconcile.Pass, e schema.Environment) int {
	live := pass.Live.Objects[render.DeploymentRef(e)]
	if len(live) == 0 {
		return 0
	}
	return live[0].Release
}
