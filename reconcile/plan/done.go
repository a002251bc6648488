package plan

import (
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Unasked is the phase of an object of which only git has been asked.
const Unasked Phase = ""

// Done is the live state in which all that git has decided is carried out: every answered search is there, and every environment
// serves the release that it names. A plan against it says what git itself still lacks.
func Done(c schema.Catalog, s render.Settings) Live {
	live := Live{Objects: map[render.Ref][]Observed{}}
	for _, m := range c.Models {
		if _, prefix := answering(c.Selected[m.Name], m.Digests); prefix > 0 {
			live.add(render.NewSearch(m, s, ""), Observed{Phase: Unasked})
		}
		for _, e := range m.Serve {
			if r, waits := Served(c.Selected[m.Name], e); waits == "" {
				live.add(render.NewSeldonDeployment(m, e, r, s), Observed{Phase: Succeeded, Image: r.Image, Release: r.Number})
			}
		}
	}
	return live
}

func (l Live) add(object render.Object, o Observed) {
	o.Ref, o.Model, o.Environment, o.Digest = object.Ref, object.Model, object.Environment, object.Digest
	l.Objects[o.Ref] = append(l.Objects[o.Ref], o)
}
