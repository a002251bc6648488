package memory

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// Engine holds objects of all kinds and does nothing by itself: a test moves them on with Change. Its zero value is not usable;
// make one with NewEngine.
type Engine struct {
	mu      sync.Mutex
	objects []plan.Observed
	version int
	// Writes are the calls that changed something, in the words "create", "update" and "remove" and the object's Ref.
	Writes []string
	// Down, when set, is why the engine can't be reached.
	Down error
	// Fault, when set, runs before every write; its error is the answer, and the write happens all the same if Lost.
	Fault func(write string) (err error, lost bool)
	now   func() time.Time
}

// NewEngine returns an engine without objects that takes the time from now.
func NewEngine(now func() time.Time) *Engine { return &Engine{now: now} }

// Change calls f on every object of the kind.
func (e *Engine) Change(kind render.Kind, f func(*plan.Observed)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.objects {
		if e.objects[i].Ref.Kind == kind {
			f(&e.objects[i])
		}
	}
}

// Observe implements reconcile.Engine.
func (e *Engine) Observe(context.Context) (plan.Live, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Down != nil {
		return plan.Live{}, e.Down
	}
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}}
	for _, o := range e.objects {
		o.Experiments = slices.Clone(o.Experiments)
		live.Objects[o.Ref] = append(live.Objects[o.Ref], o)
	}
	return live, nil
}

// Apply implements reconcile.Engine.
func (e *Engine) Apply(_ context.Context, object render.Object, seen string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.objects, func(o plan.Observed) bool { return o.Ref == object.Ref })
	switch {
	case e.Down != nil:
		return e.Down
	case i >= 0 && e.objects[i].Digest == object.Digest && object.Ref.Kind != render.Claim:
		return nil
	case i >= 0 && (seen == "" || e.objects[i].Seen != seen), i < 0 && seen != "":
		return reconcile.ErrStale
	case i >= 0:
		return e.write("update "+object.Ref.String(), func() { e.put(i, object) })
	}
	return e.write("create "+object.Ref.String(), func() {
		e.objects = append(e.objects, plan.Observed{})
		e.put(len(e.objects)-1, object)
	})
}

// put makes the object at i what was applied.
func (e *Engine) put(i int, object render.Object) {
	e.version++
	old := e.objects[i]
	o := plan.Observed{
		Ref: object.Ref, Model: object.Model, Environment: object.Environment, Digest: object.Digest, Phase: plan.Running,
		UID: cmp.Or(old.UID, fmt.Sprintf("%032x", e.version)), Seen: fmt.Sprint(e.version), Created: e.now(),
	}
	if old.UID != "" {
		o.Created = old.Created
	}
	if object.Ref.Kind == render.Claim {
		o.Claim, _ = render.ParseClaim(object.Body)
	}
	e.objects[i] = o
}

// Remove implements reconcile.Engine.
func (e *Engine) Remove(_ context.Context, ref render.Ref, uid, seen string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.objects, func(o plan.Observed) bool { return o.Ref == ref && o.UID == uid })
	switch {
	case e.Down != nil:
		return e.Down
	case i < 0:
		return nil
	case e.objects[i].Seen != seen:
		return reconcile.ErrStale
	case ref.Kind == render.Search:
		return e.write("remove "+ref.String(), func() { e.objects[i].Phase, e.objects[i].Ended = plan.Stopped, e.now() })
	}
	return e.write("remove "+ref.String(), func() { e.objects = slices.Delete(e.objects, i, i+1) })
}

// Fetch implements reconcile.Evidence: it finds a sum that the experiment's uid is in.
func (e *Engine) Fetch(_ context.Context, experiment, path string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Down != nil {
		return e.Down
	}
	for i := range e.objects {
		for j := range e.objects[i].Experiments {
			if x := &e.objects[i].Experiments[j]; x.UID == experiment {
				return e.write("fetch "+experiment, func() { x.Artifacts = map[string]string{path: fmt.Sprintf("%064s", x.UID)} })
			}
		}
	}
	return fmt.Errorf("experiment %s: %w", experiment, fs.ErrNotExist)
}

// write carries out and counts a write, unless a fault comes in between.
func (e *Engine) write(what string, do func()) error {
	var err error
	lost := false
	if e.Fault != nil {
		err, lost = e.Fault(what)
	}
	if err == nil || lost {
		e.Writes = append(e.Writes, what)
		do()
	}
	return err
}
