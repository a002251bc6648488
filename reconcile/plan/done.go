package plan

import (
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Unasked is the phase of an object of which only git has been asked.
const Unasked Phase = ""

// Done is the live state in which all that git has decided is carried out: the search of every release is there, its image was
// built, and every environment serves the release that it names. A plan against it says what git itself still lacks.
func Done(c schema.Catalog, s render.Settings) Live {
	live := Live{Objects: map[render.Ref][]Observed{}}
	for name, selected := range c.Selected {
		for _, r := range selected.Releases {
			live.put(searchOf(name, r.Answers.Search)) // also of models that are gone: runs stay
		}
	}
	for _, m := range c.Models {
		selected := c.Selected[m.Name]
		for _, r := range selected.Releases {
			if r.Image != "" && m.Package != nil {
				live.put(buildOf(m, r, s))
			}
		}
		for _, e := range m.Serve {
			if r, waits := Served(selected, e); waits == "" {
				live.put(served(render.NewSeldonDeployment(m, e, r, s), r))
			}
		}
	}
	return live
}

// searchOf is the search of a digest as far as git knows of it.
func searchOf(model string, digest schema.Digest) Observed {
	ref := render.SearchRef(schema.Model{Name: model, Digests: schema.Digests{Search: digest}})
	return Observed{Ref: ref, Model: model, Digest: digest, UID: ref.Name, Seen: ref.Name, Phase: Unasked}
}

// buildOf is the Workflow that built a release. Git does not know which attempt it was, nor whether it is still there: it has no UID.
func buildOf(m schema.Model, r schema.Release, s render.Settings) Observed {
	id := render.BuildDigest(r, m.Package.Attempt)
	ref := render.WorkflowRef(m.Name, id.Short(), s)
	return Observed{Ref: ref, Model: m.Name, Digest: id, Release: r.Number, Attempt: m.Package.Attempt, Phase: Succeeded, Image: r.Image}
}

// guessed reports whether git alone speaks of a Workflow: it may be gone, and it may have been another attempt.
func guessed(o Observed) bool { return o.Ref.Kind == render.Workflow && o.UID == "" }

// served is an object that serves a release.
func served(object render.Object, r schema.Release) Observed {
	return Observed{Ref: object.Ref, Model: object.Model, Environment: object.Environment, Digest: object.Digest, Phase: Succeeded,
		Image: r.Image, Release: r.Number, UID: object.Ref.Name, Seen: object.Ref.Name}
}

// put makes the object the only one of its name.
func (l Live) put(o Observed) { l.Objects[o.Ref] = []Observed{o} }
