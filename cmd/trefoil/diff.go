package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

func (a *app) diff() *cobra.Command {
	var here localFlags
	cmd := &cobra.Command{
		Use:   "diff [MODEL...]",
		Short: "Show object by object how the engines differ from git",
		Long: "Compares every object that git asks for with the live one, by server-side dry-run. Changes nothing. With -C the files of a\n" +
			"folder are compared, as for a pull request; which objects are meant is still said by the configured URL, branch and path.\n\n" +
			"Exit code 0: no difference. 1: there are differences. 2: an error, or an engine could not be seen. 3: the spec is invalid.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			d, pass, err := a.look(cmd, words, here)
			if err != nil {
				return err
			}
			all, failed := d.differences(cmd.Context(), pass, words)
			if err := a.printDifferences(all, pass); err != nil {
				return err
			}
			invalid := a.invalid(pass.Catalog, words)
			switch failed = errors.Join(failed, blind(pass)); {
			case failed != nil:
				return failed
			case invalid != nil:
				return invalid
			case len(all) > 0:
				return exit{code: 1}
			}
			return nil
		},
	}
	here.add(cmd)
	return cmd
}

// difference is what -o json says of an object that differs.
type difference struct {
	Model  string `json:"model"`
	Object string `json:"object"`
	Diff   string `json:"diff"` // unified, from live to git
}

// differences compares all that can be seen, and goes on after an error.
func (d *daemon) differences(ctx context.Context, pass reconcile.Pass, words []string) ([]difference, error) {
	all, failed := []difference{}, error(nil)
	for _, c := range changes(d, pass) {
		if _, unknown := pass.Live.Unknown[c.ref.Kind]; unknown || !wanted(words, c.model) {
			continue
		}
		before, after, err := c.compare(ctx, d)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if text := diff.Diff("live "+c.ref.String(), before, "git "+c.ref.String(), after); len(text) > 0 {
			all = append(all, difference{c.model, c.ref.String(), string(text)})
		}
	}
	return all, failed
}

func (a *app) printDifferences(all []difference, pass reconcile.Pass) error {
	printed, err := a.json(map[string]any{"format_version": formatVersion, "differences": all, "unknown": missed(pass)})
	if printed || err != nil {
		return err
	}
	for _, d := range all {
		fmt.Fprint(a.out, d.Diff)
	}
	return nil
}

// change is an object that may differ; without a wanted one it goes.
type change struct {
	model  string
	ref    render.Ref
	wanted *render.Object
}

// changes are the creations and removals of the plan, and every object that is served.
func changes(d *daemon, pass reconcile.Pass) []change {
	var all []change
	for _, x := range pass.Plan.Actions {
		switch x := x.(type) {
		case plan.Rerun:
			all = append(all, change{x.Object.Model, x.Object.Ref, &x.Object})
		case plan.Build:
			all = append(all, change{x.Object.Model, x.Object.Ref, &x.Object})
		case plan.Remove:
			all = append(all, change{x.Object.Model, x.Object.Ref, nil})
		}
	}
	for _, m := range pass.Catalog.Models {
		for _, e := range m.Serve {
			if r, waits := plan.Served(pass.Catalog.Selected[m.Name], e); waits == "" {
				o := render.NewSeldonDeployment(m, e, r, d.config.settings())
				all = append(all, change{m.Name, o.Ref, &o})
			}
		}
	}
	return all
}

// compare returns the live and the wanted object as YAML; empty for one that is not there.
func (c change) compare(ctx context.Context, d *daemon) (before, after []byte, err error) {
	switch {
	case c.wanted == nil:
		return []byte(c.ref.String() + "\n"), nil, nil
	case c.ref.Kind == render.Search: // a plan has one only where there is none
		after, err = yaml.Marshal(c.wanted.Body)
		return nil, after, err
	}
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	live, wanted, err := d.seat.dryRun(ctx, *c.wanted)
	if err != nil {
		return nil, nil, err
	}
	if live != nil {
		if before, err = yaml.Marshal(live); err != nil {
			return nil, nil, err
		}
	}
	after, err = yaml.Marshal(wanted)
	return before, after, err
}
