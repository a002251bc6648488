package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// verdict is what becomes of an object that no revision asks for any more, as it seems.
type verdict int

const (
	stays  verdict = iota // it is asked for, or frozen, which is told already
	waits                 // it goes later; why is told
	moved                 // it goes: it is available at its new place
	doomed                // it goes if the fuse lets it
)

// remove deletes what the revision does not ask for any more, within the fuse: where one pass would delete more than the limit,
// or more than half of ours, only what `retired` names goes. What has moved and is available at its new place goes in any case.
// Claims are never deleted here, finished searches never at all.
func (d *draft) remove() {
	ours, going, lost := d.in.Others, 0, []Remove(nil)
	for _, o := range d.live.all {
		if !deletable(o) {
			continue
		}
		n := 0
		if counts(o) {
			n = 1
		}
		ours += n
		v, reason := d.judge(o)
		switch {
		case v == stays:
		case v == waits && guessed(o): // nobody knows whether it is there
		case v == waits:
			d.hold(o.Model, o.Environment, fmt.Sprintf("%s stays: %s", o.Ref, reason))
		case o.Ending:
			d.hold(o.Model, o.Environment, fmt.Sprintf("%s is being removed (%s)", o.Ref, reason))
			if v == doomed {
				going += n
			}
		case v == moved:
			d.do(Remove{o, reason})
		default:
			lost = append(lost, Remove{o, reason})
			going += n
		}
	}
	if len(lost) > 0 {
		d.delete(lost, d.fuse(going, ours))
	}
}

// deletable reports whether an object is of a kind and in a state in which it may be deleted or stopped because git lost it.
func deletable(o Observed) bool {
	return o.Ref.Kind != render.Claim && (o.Ref.Kind != render.Search || o.Phase == Running)
}

// counts reports whether the fuse counts an object: what serves or works does, a Workflow that has ended is only a record. Git alone
// says how many of those there are that count, so that a review of a change knows what the fuse will say.
func counts(o Observed) bool { return o.Ref.Kind != render.Workflow || o.Phase == Running }

// delete deletes what may go: all, or where the fuse says why not, what retired names.
func (d *draft) delete(lost []Remove, why string) {
	for _, a := range lost {
		switch {
		case why == "" || d.retired(a.Object):
			d.do(a)
		case !guessed(a.Object):
			d.hold(a.Object.Model, a.Object.Environment, fmt.Sprintf("%s stays (%s): %s; name %q in retired, with a reason, to let it go",
				a.Object.Ref, a.Reason, why, d.name(a.Object)))
		}
	}
}

// fuse says why only what retired names is deleted, empty where all goes. Where some objects can't be seen, nobody knows how many
// would go. While retired names anything nobody knows how much of that is gone already: what was held beside it would go once enough
// of it is.
func (d *draft) fuse(doomed, ours int) string {
	switch named, there := d.named(); {
	case doomed > d.in.Limits.Deletions || 2*doomed > ours:
		return fmt.Sprintf("this pass would delete %d of our %d objects", doomed, ours)
	case named != "" && !there:
		return fmt.Sprintf("retired still names %s, of which nothing is left: take it out, so that small deletions need no names again", named)
	case named != "":
		return fmt.Sprintf("retired names %s, and beside that only what it names goes", named)
	case d.blind():
		return "not all of our objects can be seen"
	}
	return ""
}

// named is the first that retired names, one of which nothing is there any more before all others.
func (d *draft) named() (place string, there bool) {
	left := map[string]bool{}
	for _, o := range d.live.all {
		if deletable(o) {
			left[o.Model], left[subject(o.Model, o.Environment)] = true, true
		}
	}
	for _, next := range slices.Sorted(maps.Keys(d.in.Catalog.Retired)) {
		if !left[next] {
			return next, false
		}
		if place == "" {
			place = next
		}
	}
	return place, place != ""
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

// judge decides about one object, whatever the fuse says.
func (d *draft) judge(o Observed) (verdict, string) {
	if _, frozen := d.in.Catalog.Frozen(o.Model, o.Environment); o.Model == "" || frozen || d.rendered[o.Ref] || d.inherited(o) {
		return stays, ""
	}
	m, found := d.model(o.Model)
	switch {
	case !found:
		return d.left(o)
	case o.Ref.Kind != render.SeldonDeployment:
		return stays, ""
	}
	for _, e := range m.Serve {
		if e.Name != o.Environment {
			continue
		}
		if !d.available(m, e) {
			return waits, "its environment is not available at its new place yet"
		}
		return moved, "moved to " + e.Namespace + "/" + e.ObjectName
	}
	if unborn := d.unborn(m.Name); unborn != "" {
		return waits, fmt.Sprintf("environment %s left serve, and %s is frozen, which may be its new name", o.Environment, subject(m.Name, unborn))
	}
	return doomed, "environment " + o.Environment + " left serve"
}

// unborn is an environment of the model that an error freezes and that has nothing in the cluster; empty for none.
func (d *draft) unborn(model string) string {
	for _, f := range d.in.Catalog.Findings {
		born := slices.ContainsFunc(d.live.of(render.SeldonDeployment, model), func(o Observed) bool { return o.Environment == f.Scope.Environment })
		if f.Severity == schema.Error && f.Scope.Model == model && f.Scope.Environment != "" && !born {
			return f.Scope.Environment
		}
	}
	return ""
}

// left decides about an object of a model that is gone. It stays as long as it may have been renamed: while a model that is not known
// yet can't be read, unless this one is retired, and while another one has its releases but is not available yet.
func (d *draft) left(o Observed) (verdict, string) {
	for _, f := range d.in.Catalog.Findings {
		_, read := d.model(f.Scope.Model)
		if f.Severity == schema.Error && !read && !d.present(f.Scope.Model) && !d.retired(o) {
			return waits, fmt.Sprintf("%s left models, and %s is frozen, which may be its new name", o.Model, f.Scope)
		}
	}
	if place := d.awaited(o); place != "" {
		return waits, fmt.Sprintf("until %s, which took over its releases, is available", place)
	}
	return doomed, o.Model + " left models"
}

// present reports whether a model has anything in the engines, and so is not another one's new name.
func (d *draft) present(model string) bool {
	return slices.ContainsFunc([]render.Kind{render.SeldonDeployment, render.Workflow, render.Search}, func(k render.Kind) bool {
		return len(d.live.of(k, model)) > 0
	})
}

// awaited is the environment that takes over from an object of a name that is gone, while it is not available: of a model that has
// its release, the one in the same namespace, else the one of the same name, else any.
func (d *draft) awaited(o Observed) string {
	if _, kept := d.in.Catalog.Selected[o.Model]; kept || o.Ref.Kind != render.SeldonDeployment || o.Image == "" {
		return ""
	}
	for _, m := range d.in.Catalog.Models {
		if slices.ContainsFunc(d.in.Catalog.Selected[m.Name].Releases, func(r schema.Release) bool { return r.Image == o.Image }) {
			return d.successor(m, o)
		}
	}
	return ""
}

func (d *draft) successor(m schema.Model, o Observed) string {
	for _, same := range []func(schema.Environment) bool{
		func(e schema.Environment) bool { return e.Namespace == o.Ref.Namespace },
		func(e schema.Environment) bool { return e.Name == o.Environment },
		func(schema.Environment) bool { return true },
	} {
		if i := slices.IndexFunc(m.Serve, same); i >= 0 {
			if d.available(m, m.Serve[i]) {
				return ""
			}
			return subject(m.Name, m.Serve[i].Name)
		}
	}
	return ""
}

// name is what `retired` calls an object: its model, or its environment while the model is still there.
func (d *draft) name(o Observed) string {
	if _, found := d.model(o.Model); found {
		return subject(o.Model, o.Environment)
	}
	return o.Model
}

// retired reports whether people confirmed that the object goes.
func (d *draft) retired(o Observed) bool {
	_, model := d.in.Catalog.Retired[o.Model]
	_, environment := d.in.Catalog.Retired[subject(o.Model, o.Environment)]
	return model || environment
}
