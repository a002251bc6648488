package plan

import (
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Desired are the SeldonDeployments that a revision asks for, by environment; those that wait for a release or an image have none. A
// revision is planned on many times: rendering them once is what makes a quiet pass cheap.
type Desired map[schema.Scope]Wanted

// Wanted is what there is to know about a rendered object to tell whether the live one is it.
type Wanted struct {
	Digest schema.Digest
	Leaves []string // render.Leaves of its body
}

// Desire renders what a catalog serves.
func Desire(c schema.Catalog, s render.Settings) Desired {
	all := Desired{}
	for _, m := range c.Models {
		for _, e := range m.Serve {
			if release, waits := Served(c.Selected[m.Name], e); waits == "" {
				o := render.NewSeldonDeployment(m, e, release, s)
				all[scoped(m, e)] = Wanted{o.Digest, render.Leaves(o.Body)}
			}
		}
	}
	return all
}

// is reports whether a live object is what was applied of this: nobody else has written any part of it since.
func (w Wanted) is(o Observed) bool {
	if o.Digest != w.Digest || o.Owned == nil {
		return o.Digest == w.Digest
	}
	return slices.Equal(o.Owned, w.Leaves) || !slices.ContainsFunc(w.Leaves, func(leaf string) bool { return !owns(o.Owned, leaf) })
}

// owns reports whether a leaf is among those that are owned, or part of one, or one is part of it.
func owns(owned []string, leaf string) bool {
	return slices.ContainsFunc(owned, func(o string) bool {
		return o == leaf || strings.HasPrefix(leaf, o+"/") || strings.HasPrefix(o, leaf+"/")
	})
}
