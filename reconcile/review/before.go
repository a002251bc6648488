package review

import (
	"maps"
	"reflect"
	"slices"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

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

// replaced reports whether the head asks for another search than the base, or for none.
func (r *reviewer) replaced(name string) bool {
	m, stays := r.head[name]
	return !stays || m.Digests.Search != r.base[name].Digests.Search
}

// start is what is live when the head is merged. A search that the head replaces, and of which git has no release, may still run;
// then nothing has come of it.
func (r *reviewer) start(before plan.Forecast) plan.Live {
	live := before.Live
	if r.in.Live != nil {
		return live
	}
	live.Objects = maps.Clone(live.Objects)
	done := plan.Done(r.in.Base.Catalog, r.in.Settings).Objects
	for ref, objects := range live.Objects {
		o := objects[0]
		switch {
		case !r.unanswered(o.Model) || !r.replaced(o.Model) || ref.Kind == render.Claim:
		case ref == render.SearchRef(r.base[o.Model]):
			o.Phase, o.Message = plan.Running, plan.Assumed
			live.Objects[ref] = []plan.Observed{o}
		case done[ref] == nil:
			delete(live.Objects, ref)
		default:
			live.Objects[ref] = done[ref]
		}
	}
	return live
}

// selected are the releases that there are when the head is merged: its own, and where those are the base's, what comes of what
// the base asks for.
func (r *reviewer) selected(foreseen schema.Catalog) map[string]schema.Selected {
	all := maps.Clone(r.in.Head.Catalog.Selected)
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
		if stays && here == there && reflect.DeepEqual(now, was) && !(r.unanswered(name) && r.replaced(name)) {
			all[name] = s
		}
	}
	return all
}
