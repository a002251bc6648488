package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// remove deletes what the revision does not ask for any more, within the fuse: where one pass would delete more than the limit,
// or more than half of ours, only what `retired` names goes. What has moved and is available at its new place goes in any case.
// Claims are never deleted here, finished searches never at all.
func (d *draft) remove() {
	ours, doomed := 0, []Remove(nil)
	for _, o := range d.in.Live.all() {
		if o.Ref.Kind == render.Claim || o.Ref.Kind == render.Search && o.Phase != Running {
			continue
		}
		ours++
		reason, moved := d.unwanted(o)
		switch {
		case reason == "":
		case o.Ending:
			d.hold(o.Model, o.Environment, fmt.Sprintf("%s is being removed (%s)", o.Ref, reason))
		case moved:
			d.do(Remove{o, reason})
		default:
			doomed = append(doomed, Remove{o, reason})
		}
	}
	blown := len(doomed) > d.in.Limits.Deletions || 2*len(doomed) > ours
	for _, a := range doomed {
		if blown && !d.retired(a.Object) {
			d.hold(a.Object.Model, a.Object.Environment, fmt.Sprintf(
				"%s stays (%s): this pass would delete %d of our %d objects; name %q in retired, with a reason, to let it go",
				a.Object.Ref, a.Reason, len(doomed), ours, d.name(a.Object)))
			continue
		}
		d.do(a)
	}
}

// unwanted says why an object is to go, empty where it stays, and whether it only moved. What a finding freezes stays.
func (d *draft) unwanted(o Observed) (reason string, moved bool) {
	if _, frozen := d.in.Catalog.Frozen(o.Model, o.Environment); frozen || o.Model == "" || d.rendered(o.Ref) {
		return "", false
	}
	m, found := d.model(o.Model)
	switch {
	case !found:
		return d.left(o), false
	case o.Ref.Kind != render.SeldonDeployment:
		return "", false
	}
	for _, e := range m.Serve {
		if e.Name == o.Environment {
			return d.moved(e), true
		}
	}
	return "environment " + o.Environment + " left serve", false
}

// left says that a model is gone. It stays as long as it may have been renamed: while a whole model is frozen, whose
// environments can't be known, and while another one has its releases but does not serve its image there yet.
func (d *draft) left(o Observed) string {
	for _, f := range d.in.Catalog.Findings {
		if f.Severity == schema.Error && f.Scope.Environment == "" {
			d.hold(o.Model, o.Environment, fmt.Sprintf("%s stays: %s left models, and %s is frozen, which may be its new name", o.Ref, o.Model, f.Scope))
			return ""
		}
	}
	if _, kept := d.in.Catalog.Selected[o.Model]; !kept && o.Ref.Kind == render.SeldonDeployment && d.awaited(o) {
		d.hold(o.Model, o.Environment, fmt.Sprintf("%s stays until what took over its releases is available in %s", o.Ref, o.Ref.Namespace))
		return ""
	}
	return o.Model + " left models"
}

// awaited reports whether a model that has the release of the object, under another name, is to serve it in its namespace and
// does not yet.
func (d *draft) awaited(o Observed) bool {
	for _, m := range d.in.Catalog.Models {
		for _, e := range m.Serve {
			r, waits := Served(d.in.Catalog.Selected[m.Name], e)
			if e.Namespace != o.Ref.Namespace || waits != "" || r.Image != o.Image {
				continue
			}
			if live := d.in.Live.Objects[serving(e)]; len(live) == 0 || live[0].Phase != Succeeded || live[0].Image != r.Image {
				return true
			}
		}
	}
	return false
}

func (d *draft) model(name string) (schema.Model, bool) {
	for _, m := range d.in.Catalog.Models {
		if m.Name == name {
			return m, true
		}
	}
	return schema.Model{}, false
}

// name is what `retired` calls an object: its model, or its environment while the model is still there.
func (d *draft) name(o Observed) string {
	if _, found := d.model(o.Model); found {
		return subject(o.Model, o.Environment)
	}
	return o.Model
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
