package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// What becomes of an object between two revisions.
const (
	created = "created"
	changed = "changed"
	deleted = "deleted"
)

// edit is an object that two revisions render differently, as -o json says it.
type edit struct {
	Model       string `json:"model"`
	Environment string `json:"environment,omitempty"`
	Object      string `json:"object"` // of the base where it is deleted
	Change      string `json:"change"`
	Diff        string `json:"diff"` // unified, from base to head
}

// renderBase prints how the objects of two revisions differ.
func (a *app) renderBase(cmd *cobra.Command, f renderFlags) error {
	c, err := a.config(cmd.Flags())
	if err != nil {
		return err
	}
	two, err := a.compared(cmd.Context(), f.base, f.head)
	if err != nil {
		return err
	}
	if err := f.exists(two); err != nil {
		return err
	}
	was, now, err := a.bothRendered(two, c.settings(), f.dialect)
	if err != nil {
		return err
	}
	a.warnNoRepository(c, len(was)+len(now))
	edits, err := two.edits(pairs(was, now), f.choice)
	if err != nil {
		return err
	}
	if err := a.printEdits(two, edits, slices.Concat(two.notes, two.unread(f.choice.of(now)))); err != nil {
		return err
	}
	return a.invalid(two.head.Catalog, f.choice.models)
}

// exists complains of models and environments that neither revision has.
func (f renderFlags) exists(two comparison) error {
	base, head := two.base.Catalog, two.head.Catalog
	if _, frozen := head.Frozen("", ""); !frozen {
		names := slices.Sorted(slices.Values(slices.Concat(named(base, plan.Plan{}), named(head, plan.Plan{}))))
		if err := among(f.choice.models, slices.Compact(names)); err != nil {
			return err
		}
	}
	return f.choice.exists(base, head)
}

// bothRendered are the objects of the base, but for those that an error of the head keeps as they are, and of the head. The search that
// a model asks for stays the same one when other commits come, so both are told to check out the same commit.
func (a *app) bothRendered(two comparison, s render.Settings, dialect string) (was, now []render.Object, err error) {
	r := renderer{s, string(cmp.Or(two.head.Revision, gitrepo.Head(a.flags.dir))), dialect}
	if was, err = r.objects(two.base.Catalog); err != nil {
		return nil, nil, fmt.Errorf("--base: %w", err)
	}
	if now, err = r.objects(two.head.Catalog); err != nil {
		return nil, nil, err
	}
	was = slices.DeleteFunc(was, func(o render.Object) bool {
		_, frozen := two.head.Catalog.Frozen(o.Model, o.Environment)
		return frozen
	})
	return was, now, nil
}

// slot is what an object takes the place in. A search or Workflow is followed by one with another digest in its name; a
// SeldonDeployment of another name is another object, and the same one where another model or environment serves it.
type slot struct {
	model string
	ref   render.Ref
}

func slotOf(o *render.Object) slot {
	if o.Ref.Kind == render.SeldonDeployment {
		return slot{ref: o.Ref}
	}
	return slot{o.Model, render.Ref{Kind: o.Ref.Kind}}
}

// pair is an object before and after; nil where there is none.
type pair struct{ old, now *render.Object }

func (p pair) object() *render.Object { return cmp.Or(p.now, p.old) }

// pairs are the objects of both revisions in the order of models; those that are gone are the last ones of a model.
func pairs(was, now []render.Object) []pair {
	before := map[slot]*render.Object{}
	for i := range was {
		before[slotOf(&was[i])] = &was[i]
	}
	var all []pair
	for i := range now {
		at := slotOf(&now[i])
		all = append(all, pair{before[at], &now[i]})
		delete(before, at)
	}
	for i := range was {
		if old := &was[i]; before[slotOf(old)] == old {
			all = append(all, pair{old: old})
		}
	}
	slices.SortStableFunc(all, func(a, b pair) int { return strings.Compare(a.object().Model, b.object().Model) })
	return all
}

// edits are the objects that differ and that are wanted.
func (two comparison) edits(all []pair, c choice) ([]edit, error) {
	edits := []edit{}
	for _, p := range all {
		o := p.object()
		if !c.has(o.Model, o.Environment, o.Ref.Kind) || p.old != nil && p.now != nil && reflect.DeepEqual(p.old.Body, p.now.Body) {
			continue
		}
		e, err := two.edit(p)
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	return edits, nil
}

// edit is the difference of a pair that differs.
func (two comparison) edit(p pair) (edit, error) {
	o, from, to := p.object(), "/dev/null", "/dev/null"
	e := edit{Model: o.Model, Environment: o.Environment, Object: o.Ref.String(), Change: changed}
	before, err := text(p.old)
	if err != nil {
		return edit{}, err
	}
	after, err := text(p.now)
	if err != nil {
		return edit{}, err
	}
	if p.old == nil {
		e.Change = created
	} else {
		from = two.base.Name + " " + p.old.Ref.String()
	}
	if p.now == nil {
		e.Change = deleted
	} else {
		to = two.head.Name + " " + p.now.Ref.String()
	}
	e.Diff = string(diff.Diff(from, before, to, after))
	return e, nil
}

// text is an object as YAML; empty for none.
func text(o *render.Object) ([]byte, error) {
	if o == nil {
		return nil, nil
	}
	return yaml.Marshal(o.Body)
}

// unread says why objects are new that may have been there: nobody can render them from a base that is invalid.
func (two comparison) unread(now []render.Object) []string {
	var notes []string
	for _, o := range now {
		f, frozen := two.base.Catalog.Frozen(o.Model, o.Environment)
		note := fmt.Sprintf("%s does not validate (%s): what that freezes there is shown as created here", two.base.Name, f)
		if frozen && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return notes
}

func (a *app) printEdits(two comparison, edits []edit, notes []string) error {
	printed, err := a.json(map[string]any{
		"format_version": formatVersion,
		"base":           sideJSON{two.base.Name, two.base.Revision},
		"head":           sideJSON{two.head.Name, two.head.Revision},
		"differences":    edits, "notes": list(notes),
	})
	if printed || err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintf(a.err, "trefoil: %s\n", n)
	}
	for _, e := range edits {
		fmt.Fprint(a.out, e.Diff)
	}
	return nil
}
