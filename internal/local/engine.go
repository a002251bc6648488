package local

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// Observe implements reconcile.Engine.
func (e *Engine) Observe(ctx context.Context) (plan.Live, error) {
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}}
	asleep := e.asleep()
	for _, kind := range []render.Kind{render.Search, render.Claim, render.Workflow, render.SeldonDeployment} {
		if ctx.Err() != nil {
			return plan.Live{}, context.Cause(ctx)
		}
		list, err := e.store.all(kind)
		if err != nil {
			return plan.Live{}, err
		}
		for _, r := range list {
			o := r.observed()
			switch {
			case r.UID == "": // it can't be read, and says so
			case kind == render.Search:
				o = e.search(r)
			case kind == render.SeldonDeployment && asleep:
				o.Phase, o.Message = plan.Running, "no trefoil runs here: nothing answers"
			}
			live.Objects[o.Ref] = append(live.Objects[o.Ref], o)
		}
	}
	return live, nil
}

// asleep reports whether no process works in the folder, neither this one nor another.
func (e *Engine) asleep() bool {
	if e.started.Load() {
		return false
	}
	_, held, err := ReadLock(e.options.Dir)
	return err == nil && !held
}

// Apply implements reconcile.Engine.
func (e *Engine) Apply(ctx context.Context, object render.Object, seen string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	created := object.Ref.Kind == render.Search || object.Ref.Kind == render.Workflow
	if seen != "" && created {
		return fmt.Errorf("%s is created once and never updated", object.Ref)
	}
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	r, found, err := e.store.get(object.Ref)
	switch {
	case err != nil:
		return err
	case seen != "" && (!found || r.seen() != seen):
		return reconcile.ErrStale
	case found && r.same(object):
		return nil
	case found && seen == "":
		return reconcile.ErrStale
	case !found:
		r = record{UID: uid(), Created: e.now()}
	}
	r = r.asked(object)
	if err := e.store.put(r); err != nil {
		return err
	}
	e.wake()
	return nil
}

// same reports whether the record is of the wanted object. Claims of one digest differ in what they say.
func (r record) same(object render.Object) bool {
	claim, _ := render.ParseClaim(object.Body) // zero for other kinds
	return r.Digest == object.Digest && r.observed().Claim == claim
}

// asked is the record with what is asked for now.
func (r record) asked(object render.Object) record {
	r.Kind, r.Namespace, r.Name = object.Ref.Kind, object.Ref.Namespace, object.Ref.Name
	r.Model, r.Environment, r.Digest, r.Body = object.Model, object.Environment, object.Digest, object.Body
	r.Version++
	r.Phase, r.Message = plan.Running, ""
	if r.Kind == render.Claim {
		r.Phase = plan.Succeeded
	}
	return r
}

// uid is one of 32 hexadecimal digits, as those of Polyaxon are.
func uid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Remove implements reconcile.Engine.
func (e *Engine) Remove(ctx context.Context, ref render.Ref, uid, seen string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	search := ref.Kind == render.Search
	if search && seen != uid {
		return reconcile.ErrStale
	}
	r, found, err := e.store.get(ref)
	switch {
	case err != nil || !found:
		return err
	case search && r.UID != uid: // another one of the name, and that one is gone
		return nil
	case r.UID != uid || r.seen() != seen:
		return reconcile.ErrStale
	case search && r.Phase != plan.Running:
		return nil
	case search:
		r.Stop = true
		if !e.working(r.UID) { // else its end is noted by who works on it
			r.Phase, r.Ended = plan.Stopped, e.now()
		}
		err = e.store.put(r)
	default:
		err = e.store.remove(ref)
	}
	e.wake()
	return err
}

// Fetch implements reconcile.Evidence.
func (e *Engine) Fetch(ctx context.Context, experiment, path string) error {
	x, err := e.find(experiment)
	if err != nil {
		return err
	}
	sum, err := x.sum(ctx, path)
	if err != nil {
		return err
	}
	return e.noted(x, func(s *state) {
		if s.Artifacts == nil {
			s.Artifacts = map[string]string{}
		}
		s.Artifacts[path] = sum
	})
}

// missing says that there is no such experiment on this machine.
func missing(experiment string) error {
	return fmt.Errorf("experiment %.8s was not run on this machine: %w", experiment, fs.ErrNotExist)
}
