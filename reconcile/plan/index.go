package plan

import (
	"cmp"
	"slices"

	"github.com/trefoil-gitops/trefoil/render"
)

// index finds what is live by what a decision asks for, so that a pass costs as much as there are objects, not objects times models.
type index struct {
	Live
	all []Observed // in one order
	by  map[part][]Observed
}

// part is all that a model has of a kind.
type part struct {
	kind  render.Kind
	model string
}

func newIndex(l Live) index {
	var sorted []*Observed // an Observed is large: sorting moves pointers
	for _, objects := range l.Objects {
		for i := range objects {
			sorted = append(sorted, &objects[i])
		}
	}
	slices.SortFunc(sorted, func(a, b *Observed) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Environment, b.Environment), byName(a, b))
	})
	x := index{Live: l, all: make([]Observed, len(sorted)), by: make(map[part][]Observed, len(sorted))}
	for i, o := range sorted {
		x.all[i] = *o
		p := part{o.Ref.Kind, o.Model}
		x.by[p] = append(x.by[p], *o)
	}
	for _, objects := range x.by {
		slices.SortFunc(objects, func(a, b Observed) int { return cmp.Or(a.Created.Compare(b.Created), byName(&a, &b)) })
	}
	return x
}

func byName(a, b *Observed) int {
	return cmp.Or(cmp.Compare(a.Ref.Kind, b.Ref.Kind), cmp.Compare(a.Ref.Namespace, b.Ref.Namespace),
		cmp.Compare(a.Ref.Name, b.Ref.Name), cmp.Compare(a.UID, b.UID))
}

// of returns the objects of a kind that belong to a model, oldest first.
func (x index) of(kind render.Kind, model string) []Observed { return x.by[part{kind, model}] }

// at returns the object that has the name.
func (x index) at(ref render.Ref) (Observed, bool) {
	if o := x.Objects[ref]; len(o) > 0 {
		return o[0], true
	}
	return Observed{}, false
}
