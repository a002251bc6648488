package review

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// renames finds the models that took their releases along to another name.
func (r *reviewer) renames() {
	r.heirs = plan.Heirs(r.in.Base.Catalog, r.in.Head.Catalog)
	for old, heir := range r.heirs {
		r.block(heir).From = old
	}
}

// compare tells what changed in git.
func (r *reviewer) compare() {
	r.arrivals()
	r.departures()
	r.edits()
}

// arrivals tell of the models of the head which fields changed, and which are new.
func (r *reviewer) arrivals() {
	for _, m := range r.in.Head.Catalog.Models {
		from := m.Name
		if b := r.blocks[m.Name]; b != nil && b.From != "" {
			from = b.From
		}
		was, known := r.base[from]
		switch {
		case known && same(was, m):
		case known:
			if causes := differences(was, m, r.mask()); len(causes) > 0 {
				r.block(m.Name).Causes = causes
			}
		case r.unread(m.Name):
			f, _ := r.in.Base.Catalog.Frozen(m.Name, "")
			b := r.block(m.Name)
			b.Causes = []Cause{{Pos: m.Places.At(), New: "valid again"}}
			b.note("%s has an error in it (%s at %s), so what is served now is not known", r.in.Base.Name, f.Code, f.Pos)
		default:
			r.block(m.Name).Causes = []Cause{{Pos: m.Places.At(), New: "new"}}
			r.cloned(m)
		}
		if known {
			r.mended(m, from)
			r.swapped(m, was)
		}
	}
}

// departures tell which models of the base are gone.
func (r *reviewer) departures() {
	for _, m := range r.in.Base.Catalog.Models {
		if r.gone(m.Name) {
			r.leaves(m.Name, m.Places.At())
		}
	}
	for _, f := range r.BaseFindings {
		if name := f.Scope.Model; r.blocks[name] == nil && r.gone(name) {
			r.leaves(name, f.Pos)
			r.block(name).note("%s has an error in it (%s at %s), so what it has in the cluster, which is deleted, is not known",
				r.in.Base.Name, f.Code, f.Pos)
		}
	}
}

// leaves tells that a model of the base is gone.
func (r *reviewer) leaves(name string, at schema.Position) {
	b := r.block(name)
	b.Causes = []Cause{{Pos: at, Old: "left models", Gone: true}}
	if kept := releases(r.in.Head.Catalog.Selected[name]); kept != "" {
		b.note("selected/%s.cue stays (%s): a model of that name would go on from there", name, kept)
	}
}

// gone reports whether the base has a model, be it one with an error, and the head has not, under any name.
func (r *reviewer) gone(name string) bool {
	_, read := r.base[name]
	broken := slices.ContainsFunc(r.BaseFindings, func(f schema.Finding) bool {
		return f.Scope == schema.Scope{Model: name} && !strings.HasPrefix(f.Pos.File, "selected/")
	})
	_, frozen := r.in.Head.Catalog.Frozen(name, "")
	return name != "" && (read || broken) && r.left(name) && !frozen
}

// left reports whether a model of the base is gone under any name.
func (r *reviewer) left(name string) bool {
	_, stays := r.head[name]
	return !stays && r.heirs[name] == ""
}

// same reports whether nothing that is rendered or decided on differs.
func same(a, b schema.Model) bool {
	a.Places, b.Places = schema.Places{}, schema.Places{}
	return a.Digests == b.Digests && reflect.DeepEqual(a, b)
}

// mended tells of the environments in which the base has an error and the head has none.
func (r *reviewer) mended(m schema.Model, from string) {
	were, are := schema.Catalog{Findings: r.BaseFindings}, schema.Catalog{Findings: r.Findings} // of each are few
	for _, e := range m.Serve {
		f, frozen := were.Frozen(from, e.Name)
		if _, still := are.Frozen(m.Name, e.Name); !frozen || still {
			continue
		}
		b := r.block(m.Name)
		b.Causes = append(b.Causes, Cause{Pos: m.Places.At("serve", e.Name), New: e.Name + " is valid again"})
		b.note("%s has an error in %s (%s at %s), so what is served there now is not known", r.in.Base.Name, e.Name, f.Code, f.Pos)
	}
}

// swapped tells where a model searches from now on what another one has searched, which does so no more: they changed names.
func (r *reviewer) swapped(m, was schema.Model) {
	if was.Name != m.Name || was.Digests.Search == m.Digests.Search {
		return
	}
	for _, old := range r.in.Base.Catalog.Models {
		if old.Digests.Search == m.Digests.Search && old.Name != m.Name && r.head[old.Name].Digests.Search != old.Digests.Search {
			r.block(m.Name).warn("is what %s was: who asks %s gets another model's answers", old.Name, m.Name)
			return
		}
	}
}

// cloned tells where a new model searches what one that left has searched: a rename that left the releases behind.
func (r *reviewer) cloned(m schema.Model) {
	for _, old := range r.in.Base.Catalog.Models {
		if old.Digests.Search != m.Digests.Search || !r.left(old.Name) {
			continue
		}
		r.block(m.Name).note("looks like %s under a new name: that is a delete and a new search; "+
			"move selected/%s.cue to selected/%s.cue and rename it in there to keep the releases and train nothing", old.Name, old.Name, m.Name)
		r.block(old.Name).note("looks like the old name of %s", m.Name)
		return
	}
}
