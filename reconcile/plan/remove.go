package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// remove deletes what the revision does not ask for any more, within the fuse: where one pass would delete more than the limit,
// or more than half of ours, only what `retired` names goes. Claims are never deleted here, finished searches never at all.
func (d *draft) remove() {
	ours, doomed := 0, []Remove(nil)
	for _, o := range d.in.Live.all() {
		if o.Ref.Kind == render.Claim || o.Ref.Kind == render.Search && o.Phase != Running {
			continue
		}
		ours++
		if reason := d.unwanted(o); reason != "" {
			doomed = append(doomed, Remove{o, reason})
		}
	}
	blown := len(doomed) > d.in.Limits.Deletions || 2*len(doomed) > ours
	for _, a := range doomed {
		if blown && !d.retired(a.Object) {
			d.hold(a.Object.Model, a.Object.Environment, fmt.Sprintf(
				"%s stays (%s): this pass would delete %d of our %d objects; name %q in retired, with a reason, to let it go",
				a.Object.Ref, a.Reason, len(doomed), ours, a.Object.Model))
			continue
		}
		d.do(a)
	}
}

// unwanted says why an object is to go; empty where it stays. What a finding freezes stays.
func (d *draft) unwanted(o Observed) string {
	if _, frozen := d.in.Catalog.Frozen(o.Model, o.Environment); frozen || o.Model == "" {
		return ""
	}
	i := slices.IndexFunc(d.in.Catalog.Models, func(m schema.Model) bool { return m.Name == o.Model })
	switch {
	case d.rendered(o.Ref):
		return ""
	case i < 0:
		return o.Model + " left models"
	case o.Ref.Kind != render.SeldonDeployment:
		return ""
	}
	for _, e := range d.in.Catalog.Models[i].Serve {
		if e.Name == o.Environment {
			return d.moved(e)
		}
	}
	return "environment " + o.Environment + " left serve"
}

// moved says that an environment has gone elsewhere, once it is available there.
func (d *draft) moved(e schema.Environment) string {
	ref := serving(e)
	if live := d.in.Live.Objects[ref]; len(live) > 0 && live[0].Phase == Succeeded {
		return "moved to " + ref.Namespace + "/" + ref.Name
	}
	return ""
}

// rendered reports whether an environment of any model is served by the object.
func (d *draft) rendered(ref render.Ref) bool {
	return slices.ContainsFunc(d.in.Catalog.Models, func(m schema.Model) bool {
		return slices.ContainsFunc(m.Serve, func(e schema.Environment) bool { return serving(e) == ref })
	})
}

func serving(e schema.Environment) render.Ref {
	return render.Ref{Kind: render.SeldonDeployment, Namespace: e.Namespace, Name: e.ObjectName}
}

// retired reports whether people confirmed that the object goes.
func (d *draft) retired(o Observed) bool {
	_, model := d.in.Catalog.Retired[o.Model]
	_, environment := d.in.Catalog.Retired[subject(o.Model, o.Environment)]
	return model || environment
}

// all returns everything that was observed, in one order.
func (l Live) all() []Observed {
	var all []Observed
	for _, objects := range l.Objects {
		all = append(all, objects...)
	}
	slices.SortFunc(all, func(a, b Observed) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Environment, b.Environment),
			cmp.Compare(a.Ref.String(), b.Ref.String()), cmp.Compare(a.UID, b.UID))
	})
	return all
}
