package memory

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
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
	made    map[render.Ref]int // how often
	// Writes are the calls that changed something, in the words "create", "update" and "remove" and the object's Ref.
	Writes []string
	// Down, when set, is why the engine can't be reached.
	Down error
	// Lingers makes what is removed stay as Ending, as with a finalizer, until End.
	Lingers bool
	// Fault, when set, runs before every write; its error is the answer, and the write happens all the same if Lost.
	Fault func(write string) (err error, lost bool)
	now   func() time.Time
}

// NewEngine returns an engine without objects that takes the time from now.
func NewEngine(now func() time.Time) *Engine { return &Engine{now: now, made: map[render.Ref]int{}} }

// Change calls f on every object of the kind, as what works on them in a real engine does.
func (e *Engine) Change(kind render.Kind, f func(*plan.Observed)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.objects {
		if o := &e.objects[i]; o.Ref.Kind == kind {
			f(o)
			e.touch(o)
		}
	}
}

// Double makes another Search of the name, as a create does that arrives after another one was sent in its place.
func (e *Engine) Double(object render.Object) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Writes = append(e.Writes, "create "+object.Ref.String())
	e.add(object)
}

// Delete removes the objects that f holds of, as people do who go past us.
func (e *Engine) Delete(f func(plan.Observed) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.objects = slices.DeleteFunc(e.objects, f)
}

// touch gives what changed another state, but for a Search, which has none. What is made the n-th time under a name always gets the
// same uid.
func (e *Engine) touch(o *plan.Observed) {
	e.version++
	if o.UID == "" {
		e.made[o.Ref]++
		o.UID = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, o.Ref, e.made[o.Ref])))[:32]
	}
	o.Seen = o.UID
	if o.Ref.Kind != render.Search {
		o.Seen = fmt.Sprint(e.version)
	}
}

// reach says why a call can't be answered.
func (e *Engine) reach(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return e.Down
}

// Observe implements reconcile.Engine.
func (e *Engine) Observe(ctx context.Context) (plan.Live, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.reach(ctx); err != nil {
		return plan.Live{}, err
	}
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}}
	for _, o := range e.objects {
		o.Experiments = slices.Clone(o.Experiments)
		live.Objects[o.Ref] = append(live.Objects[o.Ref], o)
	}
	return live, nil
}

// Apply implements reconcile.Engine.
func (e *Engine) Apply(ctx context.Context, object render.Object, seen string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.reach(ctx); err != nil {
		return err
	}
	i := slices.IndexFunc(e.objects, func(o plan.Observed) bool { return o.Ref == object.Ref })
	switch {
	case seen != "" && (object.Ref.Kind == render.Search || object.Ref.Kind == render.Workflow):
		return fmt.Errorf("%s is created once and never updated", object.Ref)
	case seen != "" && (i < 0 || e.objects[i].Seen != seen):
		return reconcile.ErrStale
	case i >= 0 && same(e.objects[i], object):
		return nil
	case i >= 0 && seen == "":
		return reconcile.ErrStale
	case i >= 0:
		return e.write("update "+object.Ref.String(), func() { e.put(i, object) })
	}
	return e.write("create "+object.Ref.String(), func() { e.add(object) })
}

func (e *Engine) add(object render.Object) {
	e.objects = append(e.objects, plan.Observed{Created: e.now()})
	e.put(len(e.objects)-1, object)
}

// same reports whether the live object is the wanted one. Claims of one digest differ in what they say.
func same(live plan.Observed, object render.Object) bool {
	claim, _ := render.ParseClaim(object.Body) // zero for other kinds
	return live.Digest == object.Digest && live.Claim == claim
}

// put makes the object at i what was applied.
func (e *Engine) put(i int, object render.Object) {
	old := e.objects[i]
	o := plan.Observed{
		Ref: object.Ref, Model: object.Model, Environment: object.Environment, Digest: object.Digest, Phase: plan.Running,
		UID: old.UID, Created: old.Created, Image: image(object.Body),
		Release: number(object.Body, "labels", render.LabelRelease), Attempt: number(object.Body, "annotations", render.AnnotationAttempt),
	}
	if object.Ref.Kind == render.Claim {
		o.Phase = plan.Succeeded
		o.Claim, _ = render.ParseClaim(object.Body)
	}
	e.touch(&o)
	e.objects[i] = o
}

// number is that in a label or annotation of the object; 0 for none.
func number(body map[string]any, field, name string) int {
	metadata, _ := body["metadata"].(map[string]any)
	texts, _ := metadata[field].(map[string]any)
	text, _ := texts[name].(string)
	n, _ := strconv.Atoi(text) // as 0 where there is none
	return n
}

// image is what a SeldonDeployment asks for; empty for other kinds.
func image(body map[string]any) string {
	var asked struct {
		Spec struct {
			Predictors []struct {
				ComponentSpecs []struct {
					Spec struct{ Containers []struct{ Image string } }
				}
			}
		}
	}
	text, _ := json.Marshal(body)    // a Body is JSON
	_ = json.Unmarshal(text, &asked) // that of another kind need not fit
	for _, p := range asked.Spec.Predictors {
		for _, c := range p.ComponentSpecs {
			for _, served := range c.Spec.Containers {
				return served.Image
			}
		}
	}
	return ""
}

// Remove implements reconcile.Engine.
func (e *Engine) Remove(ctx context.Context, ref render.Ref, uid, seen string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.reach(ctx); err != nil {
		return err
	}
	search := ref.Kind == render.Search
	// A name may have several Searches, each with its uid; of another kind it has one object, whose uid may be another.
	i := slices.IndexFunc(e.objects, func(o plan.Observed) bool { return o.Ref == ref && (o.UID == uid || !search) })
	switch {
	case search && seen != uid:
		return reconcile.ErrStale
	case i < 0:
		return nil
	case e.objects[i].UID != uid || e.objects[i].Seen != seen:
		return reconcile.ErrStale
	case search && e.objects[i].Phase != plan.Running:
		return nil
	case search:
		return e.write("remove "+ref.String(), func() { e.objects[i].Phase, e.objects[i].Ended = plan.Stopped, e.now() })
	}
	return e.write("remove "+ref.String(), func() {
		if e.Lingers {
			e.objects[i].Ending = true
			e.touch(&e.objects[i])
			return
		}
		e.objects = slices.Delete(e.objects, i, i+1)
	})
}

// End lets go of what is Ending.
func (e *Engine) End() { e.Delete(func(o plan.Observed) bool { return o.Ending }) }

// Fetch implements reconcile.Evidence: it finds a sum that the experiment's uid is in.
func (e *Engine) Fetch(ctx context.Context, experiment, path string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.reach(ctx); err != nil {
		return err
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
