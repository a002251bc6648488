package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/internal/polyaxon"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// differences are what `diff` found out.
type differences struct {
	objects []compared // that are not all as git asks for them
	notes   []string
	unknown map[render.Kind]string // why a kind could not be observed
	failed  error                  // what could not be compared
	clean   func(string) string    // takes secrets out that are known
}

// compared is an object that git asks for, or one that is to go.
type compared struct {
	object  render.Object // without a body where it is to go
	needed  bool          // it is a difference where there is none
	removed string        // why it is to go; empty for one that git asks for
	result  compare.Result
}

// differs reports whether something is to be done about it.
func (o compared) differs() bool {
	return o.removed != "" || o.fresh() || len(o.of(compare.Changed))+len(o.of(compare.Drift)) > 0
}

// fresh reports whether it is to be made.
func (o compared) fresh() bool { return o.needed && o.result.New() }

// of are the fields that differ for that cause. The digest of what was applied says nothing to people.
func (o compared) of(cause compare.Cause) []compare.Field {
	var all []compare.Field
	for _, f := range o.result.Fields {
		if f.Cause == cause && (cause == compare.Drift || !f.Path.Under("metadata", "annotations", render.AnnotationDigest)) {
			all = append(all, f)
		}
	}
	return all
}

func (c differences) differs() bool { return slices.ContainsFunc(c.objects, compared.differs) }

// differences compares all that can be seen, and goes on after an error.
func (d *daemon) differences(ctx context.Context, pass reconcile.Pass, chosen choice) differences {
	c := differences{unknown: maps.Clone(pass.Live.Unknown), clean: d.config.cleaner()}
	maps.DeleteFunc(c.unknown, func(k render.Kind, _ string) bool { return pass.Live.Absent[k] || !chosen.asks(k, pass.Catalog) })
	all := slices.DeleteFunc(d.wants(pass), func(o compared) bool {
		_, unknown := c.unknown[o.object.Ref.Kind]
		return unknown || !chosen.has(o.object.Model, o.object.Environment, o.object.Ref.Kind)
	})
	d.compareObjects(ctx, pass, all)
	d.compareSearches(ctx, pass, all)
	c.failed = failure(without(reasons(c.unknown)), all)
	for _, o := range all {
		if o.fresh() && o.result.Note != "" {
			c.notes = append(c.notes, o.result.Note+": all that git asks for there is new")
		}
	}
	slices.Sort(c.notes)
	c.notes = slices.Compact(c.notes)
	c.objects = slices.DeleteFunc(all, func(o compared) bool { return !o.differs() && len(o.of(compare.Later)) == 0 })
	return c
}

// wants are what git asks for and what it lets go of, model by model.
func (d *daemon) wants(pass reconcile.Pass) []compared {
	var all []compared
	for _, m := range pass.Catalog.Models {
		if _, frozen := pass.Catalog.Frozen(m.Name, ""); frozen {
			continue
		}
		all = append(all, d.asks(pass, m)...)
	}
	for _, a := range pass.Plan.Actions {
		if r, ok := a.(plan.Remove); ok {
			o := render.Object{Ref: r.Object.Ref, Model: r.Object.Model, Environment: r.Object.Environment}
			all = append(all, compared{object: o, removed: r.Reason})
		}
	}
	return all
}

// asks are what git asks for of one model. What it has answered is asked for no more: a search that has a release, a build that has an
// image.
func (d *daemon) asks(pass reconcile.Pass, m schema.Model) []compared {
	var all []compared
	selected, settings := pass.Catalog.Selected[m.Name], d.config.settings()
	if plan.Searching(m, selected) {
		all = append(all, compared{object: render.NewSearch(m, settings, string(pass.Revision)), needed: true})
	}
	if r, building := plan.Building(m, selected); building {
		all = append(all, compared{object: render.NewWorkflow(m, r, settings), needed: r.Image == ""})
	}
	for _, e := range m.Serve {
		_, frozen := pass.Catalog.Frozen(m.Name, e.Name)
		if r, waits := plan.Served(selected, e); waits == "" && !frozen {
			all = append(all, compared{object: render.NewSeldonDeployment(m, e, r, settings), needed: true})
		}
	}
	return all
}

// compareObjects asks the cluster. A kind that it does not have has no objects.
func (d *daemon) compareObjects(ctx context.Context, pass reconcile.Pass, all []compared) {
	var objects []render.Object
	var places []int
	for i, o := range all {
		kind := o.object.Ref.Kind
		switch {
		case o.removed != "" || kind == render.Search || !o.needed && len(pass.Live.Objects[o.object.Ref]) == 0:
		case pass.Live.Absent[kind]:
			all[i].result = compare.Result{Git: o.object.Body, Note: pass.Live.Unknown[kind]}
		default:
			objects, places = append(objects, o.object), append(places, i)
		}
	}
	for i, r := range d.seat.compare(ctx, objects) {
		all[places[i]].result = r
	}
}

// compareSearches asks for what the live searches were made of, a few at a time.
func (d *daemon) compareSearches(ctx context.Context, pass reconcile.Pass, all []compared) {
	const together = 4
	slots := make(chan struct{}, together)
	var group sync.WaitGroup
	for i, o := range all {
		if o.removed != "" || o.object.Ref.Kind != render.Search {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			all[i].result = d.compareSearch(ctx, pass, o.object)
		})
	}
	group.Wait()
}

func (d *daemon) compareSearch(ctx context.Context, pass reconcile.Pass, object render.Object) compare.Result {
	live := pass.Live.Objects[object.Ref]
	i := slices.IndexFunc(live, func(o plan.Observed) bool { return o.Model == object.Model && o.Digest == object.Digest })
	m := slices.IndexFunc(pass.Catalog.Models, func(m schema.Model) bool { return m.Name == object.Model })
	if i < 0 || m < 0 {
		return compare.Result{Git: object.Body}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, silence, errSilent)
	defer cancel()
	operation, err := d.seat.operation(ctx, live[i])
	if err != nil {
		return compare.Result{Err: fmt.Errorf("diff %s: %w", object.Ref, err)}
	}
	return polyaxon.Compare(operation, func(commit string) map[string]any {
		return render.NewSearch(pass.Catalog.Models[m], d.config.settings(), commit).Body
	})
}

// findings is the catalog without those of environments that are not chosen.
func (c choice) findings(of schema.Catalog) schema.Catalog {
	of.Findings = slices.DeleteFunc(slices.Clone(of.Findings), func(f schema.Finding) bool {
		return f.Scope.Environment != "" && !c.has(f.Scope.Model, f.Scope.Environment, render.SeldonDeployment)
	})
	return of
}

// asks reports whether an object of a kind may be chosen.
func (c choice) asks(kind render.Kind, of schema.Catalog) bool {
	if len(c.environments) > 0 {
		return kind == render.SeldonDeployment
	}
	models := slices.DeleteFunc(slices.Clone(of.Models), func(m schema.Model) bool { return !wanted(c.models, m.Name) })
	return asked(kind, models) || len(models) == 0 && len(c.models) > 0 // of a model that left, whatever it had
}

// failure is all that could not be compared, as one error; nil where all was.
func failure(unseen error, all []compared) error {
	for _, o := range all {
		unseen = errors.Join(unseen, o.result.Err)
	}
	return unseen
}
