package review

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func compareNames(a, b string) int { return cmp.Compare(a, b) }

// renames finds the models that took their releases along to another name.
func (r *reviewer) renames() {
	r.heirs = plan.Heirs(r.in.Base.Catalog, r.in.Head.Catalog)
	for old, heir := range r.heirs {
		r.block(heir).From = old
	}
}

// compare tells which fields changed.
func (r *reviewer) compare() {
	for _, m := range r.in.Head.Catalog.Models {
		from := m.Name
		if b := r.blocks[m.Name]; b != nil && b.From != "" {
			from = b.From
		}
		was, known := r.base[from]
		switch {
		case known && same(was, m):
		case known:
			if causes := differences(was, m); len(causes) > 0 {
				r.block(m.Name).Causes = causes
			}
		case r.unread(m.Name):
			f, _ := r.in.Base.Catalog.Frozen(m.Name, "")
			b := r.block(m.Name)
			b.Causes = []Cause{{Pos: m.Places.At(), New: "valid again"}}
			b.Notes = append(b.Notes, fmt.Sprintf("%s has an error in it (%s at %s), so what is served now is not known", r.in.Base.Name, f.Code, f.Pos))
		default:
			r.block(m.Name).Causes = []Cause{{Pos: m.Places.At(), New: "new"}}
			r.cloned(m)
		}
		r.edited(m.Name, from)
	}
	for _, m := range r.in.Base.Catalog.Models {
		if _, frozen := r.in.Head.Catalog.Frozen(m.Name, ""); r.left(m.Name) && !frozen {
			b := r.block(m.Name)
			b.Causes = []Cause{{Pos: m.Places.At(), Old: "left models", Gone: true}}
			if kept := releases(r.in.Head.Catalog.Selected[m.Name]); kept != "" {
				b.Notes = append(b.Notes, "selected/"+m.Name+".cue stays ("+kept+"): a model of that name would go on from there")
			}
		}
	}
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

// cloned tells where a new model searches what one that left has searched: a rename that left the releases behind.
func (r *reviewer) cloned(m schema.Model) {
	for _, old := range r.in.Base.Catalog.Models {
		if old.Digests.Search != m.Digests.Search || !r.left(old.Name) {
			continue
		}
		r.block(m.Name).Notes = append(r.block(m.Name).Notes, fmt.Sprintf(
			"looks like %s under a new name: that is a delete and a new search; move selected/%s.cue to selected/%s.cue and rename it in there to keep the releases and train nothing",
			old.Name, old.Name, m.Name))
		r.block(old.Name).Notes = append(r.block(old.Name).Notes, fmt.Sprintf("looks like the old name of %s", m.Name))
		return
	}
}

// edited tells that a person changed what the daemon writes.
func (r *reviewer) edited(name, from string) {
	was, now := r.in.Base.Catalog.Selected[from], r.in.Head.Catalog.Selected[name]
	if reflect.DeepEqual(was, now) {
		return
	}
	file := "selected/" + name + ".cue"
	b := r.block(name)
	b.Causes = append(b.Causes, Cause{Field: file, Old: releases(was), New: releases(now), Pos: schema.Position{File: file}})
}

// releases is "release 1 to 3, latest 2"; empty where there are none.
func releases(s schema.Selected) string {
	if len(s.Releases) == 0 {
		return ""
	}
	first, last := s.Releases[0].Number, s.Releases[len(s.Releases)-1].Number
	if first == last {
		return fmt.Sprintf("release %d, latest %d", first, s.Latest)
	}
	return fmt.Sprintf("releases %d to %d, latest %d", first, last, s.Latest)
}
