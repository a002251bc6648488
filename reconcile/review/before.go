package review

import (
	"maps"
	"reflect"
	"slices"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// readable is the base with the models in it that it has errors in, as far as they matter: which experiments there were is known
// from their releases, what they serve is not.
func (r *reviewer) readable() schema.Catalog {
	c := r.in.Base.Catalog
	c.Models = slices.Clone(c.Models)
	for _, m := range r.in.Head.Catalog.Models {
		if r.unread(m.Name) {
			m.Serve = nil
			c.Models = append(c.Models, m)
		}
	}
	slices.SortFunc(c.Models, func(a, b schema.Model) int { return compareNames(a.Name, b.Name) })
	c.Findings = slices.DeleteFunc(slices.Clone(c.Findings), func(f schema.Finding) bool {
		return f.Scope.Environment == "" && r.unread(f.Scope.Model)
	})
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

// replaced reports whether the head asks for another search than the base, or for none.
func (r *reviewer) replaced(name string) bool {
	m, stays := r.head[name]
	return !stays || m.Digests.Search != r.base[name].Digests.Search
}

// start is what is live when the head is merged: a search that the head replaces, and of which git has no release, may still run.
func (r *reviewer) start(before plan.Forecast) plan.Live {
	live := before.Live
	if r.in.Live != nil {
		return live
	}
	live.Objects = maps.Clone(live.Objects)
	for name, m := range r.base {
		ref := render.SearchRef(m)
		if objects := live.Objects[ref]; len(objects) > 0 && r.unanswered(name) && r.replaced(name) {
			run := objects[0]
			run.Phase, run.Message = plan.Running, plan.Assumed
			live.Objects[ref] = []plan.Observed{run}
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
