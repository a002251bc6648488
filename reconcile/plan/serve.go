package plan

import (
	"fmt"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// serve brings every environment of the model to the release that it names.
func (d *draft) serve(m schema.Model) {
	d.proposed(m)
	for _, e := range m.Serve {
		if _, frozen := d.in.Catalog.Frozen(m.Name, e.Name); !frozen {
			d.environment(m, e)
		}
	}
}

func (d *draft) environment(m schema.Model, e schema.Environment) {
	selected := d.merged(m.Name)
	release, reason := Served(selected, e)
	if now, prefix := answering(selected, m.Digests); e.Release == 0 && prefix == 3 && complete(m, now) && now.Number != selected.Latest {
		reason = fmt.Sprintf("waits until latest is release %d", now.Number) // a person's edit of it is put back, not served
	}
	if reason != "" {
		d.hold(m.Name, e.Name, reason)
		return
	}
	if !d.known(m.Name, e.Name, render.SeldonDeployment) {
		return
	}
	o, found := d.live.at(render.DeploymentRef(e))
	switch {
	case !found:
		object := render.NewSeldonDeployment(m, e, release, d.in.Settings)
		d.do(Serve{Word: "serve", Object: object, Release: release.Number})
	case d.foreign(o, m, e):
		d.hold(m.Name, e.Name, fmt.Sprintf("%s is %s's, which is frozen: what runs there goes on", o.Ref, subject(o.Model, o.Environment)))
	case d.occupied(o, m, e):
		d.hold(m.Name, e.Name, fmt.Sprintf("%s serves %s until that is available at its new place", o.Ref, subject(o.Model, o.Environment)))
	case o.Ending:
		d.hold(m.Name, e.Name, fmt.Sprintf("%s is being deleted; it is made again when it is gone", o.Ref))
	case !d.in.Desired[scoped(m, e)].is(o) || o.Model != m.Name || o.Environment != e.Name || o.Release != release.Number: // somebody edited it
		object := render.NewSeldonDeployment(m, e, release, d.in.Settings)
		d.do(Serve{Word: verb(o.Release, release.Number), Object: object, Seen: o.Seen, Release: release.Number})
	case o.Phase == Running:
		d.hold(m.Name, e.Name, fmt.Sprintf("release %d is rolling out%s", release.Number, because(o)))
	case o.Phase != Succeeded:
		d.hold(m.Name, e.Name, fmt.Sprintf("release %d is not available%s", release.Number, because(o)))
	default:
		d.check(m, e, release, o)
	}
}

// foreign reports whether the live object is another environment's that a finding freezes.
func (d *draft) foreign(o Observed, m schema.Model, e schema.Environment) bool {
	_, frozen := d.in.Catalog.Frozen(o.Model, o.Environment)
	return frozen && (o.Model != m.Name || o.Environment != e.Name)
}

// available reports whether an environment serves what it asks for, and is checked where it asks for that.
func (d *draft) available(m schema.Model, e schema.Environment) bool {
	want, serves := d.in.Desired[scoped(m, e)]
	o, found := d.live.at(render.DeploymentRef(e))
	return serves && found && o.Phase == Succeeded && want.is(o) && d.proven(m, e, o)
}

// occupied reports whether the live object still serves another environment, which moves elsewhere and is not available there
// yet. Environments that wait for each other's places in a circle don't: one has to begin.
func (d *draft) occupied(o Observed, m schema.Model, e schema.Environment) bool {
	for n := 0; ; n++ {
		if o.Model == m.Name && o.Environment == e.Name {
			return false
		}
		to, moves := d.moves(o)
		if !moves || n > len(d.live.all) {
			return n > 0
		}
		next, taken := d.live.at(to)
		if !taken {
			return true
		}
		o = next
	}
}

// moves returns where the environment that an object serves is to be instead, as long as it is not available there.
func (d *draft) moves(o Observed) (render.Ref, bool) {
	m, found := d.model(o.Model)
	if !found {
		return render.Ref{}, false
	}
	for _, e := range m.Serve {
		if to := render.DeploymentRef(e); e.Name == o.Environment && to != o.Ref && !d.available(m, e) {
			return to, true
		}
	}
	return render.Ref{}, false
}

func scoped(m schema.Model, e schema.Environment) schema.Scope {
	return schema.Scope{Model: m.Name, Environment: e.Name}
}

// Served returns the release that an environment names, or what it waits for.
func Served(s schema.Selected, e schema.Environment) (schema.Release, string) {
	number := e.Release
	if number == 0 {
		number = s.Latest
	}
	r, found := s.Release(number)
	switch {
	case number == 0:
		return r, "waits for the first release"
	case !found:
		return r, fmt.Sprintf("waits for release %d", number)
	case r.Image == "":
		return r, fmt.Sprintf("waits for the image of release %d", number)
	}
	return r, ""
}

// verb tells a promotion from a rollback, and both from a change that leaves the release.
func verb(from, to int) string {
	switch {
	case from == to:
		return "update"
	case from > to:
		return "rollback"
	}
	return "promote"
}
