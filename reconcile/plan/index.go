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
	x := index{Live: l, by: map[part][]Observed{}}
	for _, objects := range l.Objects {
		x.all = append(x.all, objects...)
	}
	slices.SortFunc(x.all, func(a, b Observed) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Environment, b.Environment),
			cmp.Compare(a.Ref.String(), b.Ref.String()), cmp.Compare(a.UID, b.UID))
	})
	for _, o := range x.all {
		p := part{o.Ref.Kind, o.Model}
		x.by[p] = append(x.by[p], o)
	}
	for _, objects := range x.by {
		slices.SortStableFunc(objects, func(a, b Observed) int {
			return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Ref.String(), b.Ref.String()), cmp.Compare(a.UID, b.UID))
		})
	}
	return x
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
