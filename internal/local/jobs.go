package local

import (
	"context"
	"errors"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// job is the work on an object.
type job struct {
	ref     render.Ref
	version int
	stop    context.CancelCauseFunc
	changed chan struct{} // one slot: a SeldonDeployment asks for something else
}

// repeat is how long after a failure that was no fault of what was asked for it is tried again.
const repeat = time.Minute

// retry makes what failed before that time, and is to be tried again, be worked on.
func (e *Engine) retry(before time.Time) {
	for _, kind := range []render.Kind{render.Search, render.Workflow} {
		list, err := e.store.all(kind)
		for _, r := range list {
			if !r.Again || r.Phase != plan.Failed || r.Ended.After(before) {
				continue
			}
			err = errors.Join(err, e.set(r, func(r *record) bool {
				r.Phase, r.Message, r.Ended, r.Again = plan.Running, "", time.Time{}, false
				return true
			}))
		}
		if err != nil {
			e.options.Log.Error("what failed is not tried again", "kind", kind, "error", err)
		}
	}
	e.wake()
}

// look begins work on what asks for some, and ends it on what does no more.
func (e *Engine) look(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock() // work is forgotten after its end was noted, so what is read now and has none is not done
	wanted := map[string]record{}
	for _, kind := range []render.Kind{render.Search, render.Workflow, render.SeldonDeployment} {
		list, err := e.store.all(kind)
		if err != nil {
			return err
		}
		for _, r := range list {
			if !r.Stop && r.UID != "" && (r.Phase == plan.Running || kind == render.SeldonDeployment) {
				wanted[r.UID] = r
			}
		}
	}
	busy := map[render.Ref]bool{}
	for uid, j := range e.jobs {
		busy[j.ref] = true // also while it ends: two objects of a name are never worked on at once
		if r, found := wanted[uid]; !found {
			j.stop(errStopped)
		} else if r.Version != j.version {
			e.jobs[uid] = j.renew(r.Version)
		}
	}
	for uid, r := range wanted {
		if _, found := e.jobs[uid]; !found && !busy[r.ref()] && ctx.Err() == nil {
			e.work(ctx, r)
		}
	}
	return nil
}

// renew tells the work on an object that it was updated.
func (j job) renew(version int) job {
	select {
	case j.changed <- struct{}{}:
	default: // it has not looked since the last time
	}
	j.version = version
	return j
}

// work begins the work on an object. The next look is at its end.
func (e *Engine) work(ctx context.Context, r record) {
	ctx, stop := context.WithCancelCause(ctx)
	j := job{r.ref(), r.Version, stop, make(chan struct{}, 1)}
	e.jobs[r.UID] = j
	e.all.Go(func() {
		switch r.Kind {
		case render.Search:
			e.runSearch(ctx, r)
		case render.Workflow:
			e.runWorkflow(ctx, r)
		case render.SeldonDeployment:
			e.runDeployment(ctx, r, j.changed)
		}
		stop(nil)
		e.mu.Lock()
		delete(e.jobs, r.UID)
		e.mu.Unlock()
		e.wake()
	})
}

// working reports whether an object is worked on.
func (e *Engine) working(uid string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, found := e.jobs[uid]
	return found
}
