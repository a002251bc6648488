package plan

import (
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
	for _, o := range d.live.all {
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
	why := d.fuse(len(doomed), ours)
	for _, a := range doomed {
		if why != "" && !d.retired(a.Object) {
			d.hold(a.Object.Model, a.Object.Environment, fmt.Sprintf("%s stays (%s): %s; name %q in retired, with a reason, to let it go",
				a.Object.Ref, a.Reason, why, d.name(a.Object)))
			continue
		}
		d.do(a)
	}
}

// fuse says why only what retired names is deleted, empty where all goes. Where some objects can't be seen, nobody knows how many
// would go. What retired names and is gone already counts: else those that were held beside it would go in the next pass.
func (d *draft) fuse(doomed, ours int) string {
	gone := d.past()
	switch {
	case doomed > d.in.Limits.Deletions || 2*doomed > ours:
		return fmt.Sprintf("this pass would delete %d of our %d objects", doomed, ours)
	case gone > 0 && doomed+gone > d.in.Limits.Deletions:
		return fmt.Sprintf("this pass would delete %d beside the %d that retired names and that are gone (take those out of retired if they are long past)", doomed, gone)
	case d.blind():
		return "not all of our objects can be seen"
	}
	return ""
}

// past counts what retired names and nothing is left of.
func (d *draft) past() int {
	left := map[string]bool{}
	for _, o := range d.live.all {
		if o.Ref.Kind != render.Claim && (o.Ref.Kind != render.Search || o.Phase == Running) {
			left[o.Model], left[subject(o.Model, o.Environment)] = true, true
		}
	}
	n := 0
	for place := range d.in.Catalog.Retired {
		if !left[place] {
			n++
		}
	}
	return n
}

// blind reports whether objects of ours may exist that were not seen.
func (d *draft) blind() bool {
	for kind := range d.in.Live.Unknown {
		if !d.in.Live.Absent[kind] {
			return true
		}
	}
	return false
}

// unwanted says why an object is to go, empty where it stays, and whether it only moved. What a finding freezes stays.
func (d *draft) unwanted(o Observed) (reason string, moved bool) {
	if o.Model == "" || d.rendered[o.Ref] || d.faulty[o.Model] || d.faulty[""] || d.inherited(o) {
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
			return d.moved(m, e), true
		}
	}
	return "environment " + o.Environment + " left serve", false
}

// left says that a model is gone. It stays as long as it may have been renamed: while something is frozen, unless the model is
// retired, and while another one has its releases but is not available there yet.
func (d *draft) left(o Observed) string {
	for _, f := range d.in.Catalog.Findings {
		if f.Severity == schema.Error && !d.retired(o) {
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

// awaited reports whether a model that has the release of the object, under another name, is to serve in its namespace and does
// not yet.
func (d *draft) awaited(o Observed) bool {
	return slices.ContainsFunc(d.in.Catalog.Models, func(m schema.Model) bool {
		heir := slices.ContainsFunc(d.in.Catalog.Selected[m.Name].Releases, func(r schema.Release) bool { return r.Image == o.Image })
		return heir && slices.ContainsFunc(m.Serve, func(e schema.Environment) bool {
			return e.Namespace == o.Ref.Namespace && !d.available(m, e)
		})
	})
}

// name is what `retired` calls an object: its model, or its environment while the model is still there.
func (d *draft) name(o Observed) string {
	if _, found := d.model(o.Model); found {
		return subject(o.Model, o.Environment)
	}
	return o.Model
}

// moved says that an environment has gone elsewhere, once it is available there.
func (d *draft) moved(m schema.Model, e schema.Environment) string {
	if !d.available(m, e) {
		return ""
	}
	return "moved to " + e.Namespace + "/" + e.ObjectName
}

// retired reports whether people confirmed that the object goes.
func (d *draft) retired(o Observed) bool {
	_, model := d.in.Catalog.Retired[o.Model]
	_, environment := d.in.Catalog.Retired[subject(o.Model, o.Environment)]
	return model || environment
}
