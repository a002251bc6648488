// Package enginetest is what reconcile's interfaces promise, as tests that every implementation has to pass: the real engines,
// and the twins in memory that stand in for them.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// Owner is whose objects an engine under test has to hold, render.Settings.Owner.
const Owner = "r-0e1f2a3b4c5d6e7f"

// patience is how long an engine may need until an Observe shows what was done.
const patience = 30 * time.Second

// bench is an engine under test.
type bench struct {
	*testing.T
	open   func() reconcile.Engine
	engine reconcile.Engine
}

func begin(t *testing.T, place Place) *bench {
	open := place(t)
	return &bench{t, open, open()}
}

// all are the objects that the engine holds under the name.
func (b *bench) all(ref render.Ref) []plan.Observed {
	b.Helper()
	live, err := b.engine.Observe(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if why := live.Unknown[ref.Kind]; why != "" {
		b.Fatalf("%s: unknown: %s", ref, why)
	}
	return live.Objects[ref]
}

// await observes until there is one object of the name that done holds of.
func (b *bench) await(ref render.Ref, what string, done func(plan.Observed) bool) plan.Observed {
	b.Helper()
	return b.poll(ref, what, func(all []plan.Observed) bool { return len(all) == 1 && done(all[0]) })[0]
}

func (b *bench) poll(ref render.Ref, what string, done func([]plan.Observed) bool) []plan.Observed {
	b.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		all := b.all(ref)
		switch {
		case done(all):
			return all
		case time.Now().After(end):
			b.Fatalf("%s: waited for %s, observed %+v", ref, what, all)
		}
	}
}

// shows awaits the object as it was applied.
func (b *bench) shows(o render.Object) plan.Observed {
	b.Helper()
	got := b.await(o.Ref, "what was applied", func(got plan.Observed) bool { return got.Digest == o.Digest })
	claim, _ := render.ParseClaim(o.Body) // zero for other kinds
	asked := o.Ref.Kind != render.SeldonDeployment || got.Image != "" && strings.Contains(fmt.Sprint(o.Body), got.Image)
	if got.Claim != claim || !asked ||
		got.Ref != o.Ref || got.Model != o.Model || got.Environment != o.Environment || got.UID == "" || got.Seen == "" || got.Created.IsZero() {
		b.Errorf("%s: observed %+v", o.Ref, got)
	}
	return got
}

// untouched checks that the object is still the one that it was.
func (b *bench) untouched(was plan.Observed) {
	b.Helper()
	all := b.all(was.Ref)
	if len(all) != 1 || all[0].UID != was.UID || all[0].Digest != was.Digest || all[0].Claim != was.Claim {
		b.Errorf("%s: observed %+v, want as before %+v", was.Ref, all, was)
	}
}

// apply applies over what seen was, and wants an error of that kind; none for nil.
func (b *bench) apply(o render.Object, seen string, want error) {
	b.Helper()
	if err := b.engine.Apply(b.Context(), o, seen); !errors.Is(err, want) {
		b.Fatalf("apply %s seen as %q: %v, want %v", o.Ref, seen, err, want)
	}
}

// remove removes what was seen, and wants an error of that kind; none for nil.
func (b *bench) remove(o plan.Observed, want error) {
	b.Helper()
	if err := b.engine.Remove(b.Context(), o.Ref, o.UID, o.Seen); !errors.Is(err, want) {
		b.Fatalf("remove %s, %s seen as %q: %v, want %v", o.Ref, o.UID, o.Seen, err, want)
	}
}

// cancelled makes the calls with a context that has ended: each fails, and nothing comes of it.
func (b *bench) cancelled(live plan.Observed, update, other render.Object) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	for what, err := range map[string]error{
		"update": b.engine.Apply(ctx, update, live.Seen),
		"create": b.engine.Apply(ctx, other, ""),
		"remove": b.engine.Remove(ctx, live.Ref, live.UID, live.Seen),
	} {
		if err == nil {
			b.Errorf("%s of %s with a context that has ended: no error", what, live.Ref)
		}
	}
	b.untouched(live)
	if all := b.all(other.Ref); len(all) > 0 {
		b.Errorf("observed %+v", all)
	}
}
