package review

import (
	"maps"
	"reflect"
	"slices"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// narrow leaves out of what is planned the models that are the same in both revisions and have no error in either: planning costs
// as much as changes, not as much as there is.
func (r *reviewer) narrow() {
	r.was, r.now = r.in.Base.Catalog, r.in.Head.Catalog
	if r.in.Live != nil {
		return // what is observed is of all
	}
	still := map[string]bool{}
	for name, m := range r.head {
		was, known := r.base[name]
		still[name] = known && same(was, m) && reflect.DeepEqual(r.was.Selected[name], r.now.Selected[name])
	}
	for _, f := range slices.Concat(r.Findings, r.BaseFindings) {
		still[f.Scope.Model] = false
	}
	for name, unchanged := range still {
		for _, e := range r.head[name].Serve {
			if _, waits := plan.Served(r.now.Selected[name], e); unchanged && waits == "" {
				r.others++
			}
		}
	}
	r.was, r.now = without(r.was, still), without(r.now, still)
}

// without leaves models out of a catalog, with their releases.
func without(c schema.Catalog, names map[string]bool) schema.Catalog {
	models, selected := []schema.Model(nil), map[string]schema.Selected{}
	for _, m := range c.Models {
		if !names[m.Name] {
			models = append(models, m)
		}
	}
	for name, s := range c.Selected {
		if !names[name] {
			selected[name] = s
		}
	}
	c.Models, c.Selected = models, selected
	return c
}

// unread reports whether the base has an error in a model that the head has read.
func (r *reviewer) unread(name string) bool {
	_, read := r.base[name]
	_, frozen := r.in.Base.Catalog.Frozen(name, "")
	return !read && frozen
}

// unanswered reports whether git has no release of the search that the base asks for: it may still run.
func (r *reviewer) unanswered(name string) bool {
	m, found := r.base[name]
	return found && !slices.ContainsFunc(r.in.Base.Catalog.Selected[name].Releases, func(release schema.Release) bool {
		return release.Answers.Search == m.Digests.Search
	})
}

// pending reports whether something that the base asks for is not in git yet, and would be in the way of taking it for done: a search
// that the head replaces, a ranking that nobody won and that the head does otherwise, or a build that it asks for once more.
func (r *reviewer) pending(name string) bool {
	return r.searching(name) || r.unranked(name) || r.failed(name)
}

// searching reports whether the head asks for another search than the base, or for none, while git has no release of the base's.
func (r *reviewer) searching(name string) bool {
	m, stays := r.head[name]
	return r.unanswered(name) && (!stays || m.Digests.Search != r.base[name].Digests.Search)
}

// unranked reports whether the head asks to rank otherwise than the base, while git has no release that the base's ranking chose.
func (r *reviewer) unranked(name string) bool {
	was, known := r.base[name]
	now, stays := r.head[name]
	return known && stays && was.Digests.Select != now.Digests.Select &&
		!slices.ContainsFunc(r.in.Base.Catalog.Selected[name].Releases, func(release schema.Release) bool {
			return release.Answers.Search == was.Digests.Search && release.Answers.Select == was.Digests.Select
		})
}

// failed reports whether the head asks once more for a build whose image git does not have.
func (r *reviewer) failed(name string) bool {
	was, now := r.base[name].Package, r.head[name].Package
	release, built := plan.Building(r.base[name], r.in.Base.Catalog.Selected[name])
	return was != nil && now != nil && built && release.Image == "" && was.Attempt != now.Attempt
}

// start is what is live when the head is merged. Where something is pending, nothing has come of it: a search may still run, and a
// build has failed.
func (r *reviewer) start(before plan.Forecast) plan.Live {
	live := before.Live
	if r.in.Live != nil {
		return live
	}
	live.Objects = maps.Clone(live.Objects)
	done := plan.Done(r.was, r.in.Settings).Objects
	for ref, objects := range live.Objects {
		o := objects[0]
		switch {
		case !r.pending(o.Model) || ref.Kind == render.Claim:
		case ref.Kind == render.Workflow && r.failed(o.Model):
			o.Phase = plan.Failed
			live.Objects[ref] = []plan.Observed{o}
		case ref == render.SearchRef(r.base[o.Model]) && r.searching(o.Model):
			o.Phase, o.Message = plan.Running, plan.Assumed
			live.Objects[ref] = []plan.Observed{o}
		case done[ref] == nil && ref.Kind != render.Search:
			delete(live.Objects, ref)
		case done[ref] != nil:
			live.Objects[ref] = done[ref]
		}
	}
	return live
}

// selected are the releases that there are when the head is merged: its own, and where those are the base's, what comes of what
// the base asks for.
func (r *reviewer) selected(foreseen schema.Catalog) map[string]schema.Selected {
	all := maps.Clone(r.now.Selected)
	if all == nil {
		all = map[string]schema.Selected{}
	}
	if r.in.Live != nil {
		return all
	}
	for name, s := range foreseen.Selected {
		now, here := r.in.Head.Catalog.Selected[name]
		was, there := r.in.Base.Catalog.Selected[name]
		_, stays := r.head[name]
		if stays && here == there && reflect.DeepEqual(now, was) && !r.pending(name) {
			all[name] = s
		}
	}
	return all
}
