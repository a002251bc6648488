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
	return &cobra.Command{
		Use:   "diff [MODEL...]",
		Short: "Show object by object how the engines differ from git",
		Long: "Compares every object that git asks for with the live one, by server-side dry-run. Changes nothing.\n\n" +
			"Exit code 0: no difference. 1: there are differences. 2: an error. 3: the spec is invalid.",
		RunE: func(cmd *cobra.Command, words []string) error {
			d, err := a.connect(cmd)
			if err != nil {
				return exit{2, err}
			}
			defer d.close()
			d.quiet()
			pass, err := d.loop.Plan(cmd.Context())
			if err != nil {
				return exit{2, err}
			}
			return a.differ(cmd.Context(), d, pass, words)
		},
	}
}

func (a *app) differ(ctx context.Context, d *daemon, pass reconcile.Pass, words []string) error {
	differences, failed := 0, error(nil)
	for _, c := range changes(d, pass) {
		if !wanted(words, c.model) {
			continue
		}
		before, after, err := c.compare(ctx, d)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", c.ref, err))
			continue
		}
		if text := diff.Diff("live "+c.ref.String(), before, "git "+c.ref.String(), after); len(text) > 0 {
			differences++
			fmt.Fprintf(a.out, "%s", text)
		}
	}
	s := specs{catalog: pass.Catalog}
	switch {
	case failed != nil:
		return exit{2, failed}
	case s.errors() > 0:
		return a.invalid(s)
	case differences > 0:
		return exit{code: 1}
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
	live, wanted, err := d.cluster.DryRun(ctx, *c.wanted)
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
