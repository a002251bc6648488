package enginetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// Place makes a place that holds no objects of Owner at first, and returns what opens it: each call is an engine of another process,
// of which the one before it has ended.
type Place func(t *testing.T) (open func() reconcile.Engine)

// Cluster tests an engine that holds Workflows, SeldonDeployments and Claims of Owner, and may work on those that it gets.
func Cluster(t *testing.T, place Place) {
	elsewhere := objects("digits")
	for i, o := range objects("mnist") {
		t.Run(string(o.Ref.Kind), func(t *testing.T) {
			b := begin(t, place)
			b.interrupted(o)
			b.create(o)
			b.restarted(o)
			b.cancelled(b.shows(o), another(o), elsewhere[i])
			if o.Ref.Kind == render.Workflow {
				b.fixed(o)
			} else {
				b.update(o)
				o = another(o)
			}
			b.delete(o)
		})
	}
	t.Run("takeover", func(t *testing.T) { takeover(begin(t, place)) })
}

// create makes the object, once.
func (b *bench) create(o render.Object) {
	b.Helper()
	b.apply(o, "", nil)
	was := b.shows(o)
	b.apply(o, "", nil)
	b.apply(another(o), "", reconcile.ErrStale)
	b.untouched(was)
}

// interrupted ends calls in their midst, so that nobody knows what came of them: asked again, there is one object (I1).
func (b *bench) interrupted(o render.Object) {
	b.Helper()
	for _, after := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(b.Context(), after)
		_ = b.engine.Apply(ctx, o, "") // who can say
		cancel()
		b.apply(o, "", nil)
		b.shows(o)
		b.gone(o)
	}
}

// restarted opens the place anew: what was made is there, and is not made again.
func (b *bench) restarted(o render.Object) {
	b.Helper()
	was := b.shows(o)
	b.engine = b.open()
	b.shows(o)
	b.apply(o, "", nil)
	b.untouched(was)
}

// fixed tries to update what is never updated.
func (b *bench) fixed(o render.Object) {
	b.Helper()
	was := b.shows(o)
	if err := b.engine.Apply(b.Context(), another(o), was.Seen); err == nil {
		b.Errorf("%s was updated", o.Ref)
	}
	b.untouched(was)
}

func (b *bench) update(o render.Object) {
	b.Helper()
	was, wanted := b.shows(o), another(o)
	b.latest(o, func(seen plan.Observed) error { return b.engine.Apply(b.Context(), wanted, seen.Seen) })
	now := b.shows(wanted)
	if now.Seen == was.Seen || now.UID != was.UID {
		b.Errorf("%s: observed %+v, before it %+v", o.Ref, now, was)
	}
	b.apply(o, was.Seen, reconcile.ErrStale)
	b.apply(wanted, was.Seen, reconcile.ErrStale) // although it is as wanted: what else changed since is not known
	b.remove(was, reconcile.ErrStale)
	b.untouched(now)
}

// delete removes the object and its successor.
func (b *bench) delete(o render.Object) {
	b.Helper()
	first := b.shows(o)
	other := first
	other.Seen += "0"
	b.remove(other, reconcile.ErrStale)
	b.untouched(first)
	b.gone(o)
	b.remove(first, nil)
	if o.Ref.Kind != render.Workflow {
		b.apply(o, first.Seen, reconcile.ErrStale)
	}
	b.apply(o, "", nil)
	second := b.await(o.Ref, "another uid", func(now plan.Observed) bool { return now.UID != first.UID })
	other = second
	other.UID = first.UID
	b.remove(other, reconcile.ErrStale)
	b.untouched(second)
	b.gone(o)
}

// gone removes the object and waits until it is not observed any more.
func (b *bench) gone(o render.Object) {
	b.Helper()
	b.latest(o, func(seen plan.Observed) error { return b.engine.Remove(b.Context(), o.Ref, seen.UID, seen.Seen) })
	b.poll(o.Ref, "its end", func(all []plan.Observed) bool { return len(all) == 0 })
}

// latest acts on the object as it is observed, again where others, such as the operator that works on it, were faster.
func (b *bench) latest(o render.Object, act func(plan.Observed) error) {
	b.Helper()
	b.await(o.Ref, "a moment in which nobody else changes it", func(seen plan.Observed) bool {
		err := act(seen)
		if err != nil && !errors.Is(err, reconcile.ErrStale) {
			b.Fatal(err)
		}
		return err == nil
	})
}

// takeover lets daemons take a claim over that all of them have seen: one of them has it then (I1).
func takeover(b *bench) {
	b.apply(claim("mnist", "old"), "", nil)
	b.apply(claim("mnist", "new"), "", reconcile.ErrStale) // of the same digest, and yet another's
	was := b.shows(claim("mnist", "old"))
	holders := []string{"one", "two", "three"}
	errs := make([]error, len(holders))
	var all sync.WaitGroup
	for i, holder := range holders {
		all.Go(func() { errs[i] = b.engine.Apply(b.Context(), claim("mnist", holder), was.Seen) })
	}
	all.Wait()
	winner := ""
	for i, err := range errs {
		switch {
		case err == nil:
			winner += holders[i]
		case !errors.Is(err, reconcile.ErrStale):
			b.Error(err)
		}
	}
	b.await(was.Ref, "one winner, "+winner, func(now plan.Observed) bool { return now.Claim.Holder == winner && now.Seen != was.Seen })
	b.gone(claim("mnist", winner))
}

// Searches tests an engine that holds Searches of Owner. Nobody runs their experiments.
func Searches(t *testing.T, place Place) {
	b, o := begin(t, place), search("mnist")
	b.apply(o, "", nil)
	b.apply(o, "", nil)
	b.restarted(o)
	was := b.shows(o)
	if was.Seen != was.UID || len(was.UID) != 32 || was.Phase != plan.Running || !was.Ended.IsZero() {
		t.Errorf("observed %+v", was)
	}
	b.fixed(o)
	other := was
	other.UID = strings.Repeat("0", 32)
	b.remove(other, reconcile.ErrStale)
	b.cancelled(was, o, search("digits"))
	b.remove(was, nil)
	end := b.await(o.Ref, "its stop", func(now plan.Observed) bool { return now.Phase == plan.Stopped })
	if end.UID != was.UID || end.Ended.IsZero() {
		t.Errorf("observed %+v, before the stop %+v", end, was)
	}
	b.remove(was, nil)
	b.apply(o, "", nil) // is there, if stopped
	b.untouched(was)
	other.Seen = other.UID
	b.remove(other, nil) // was never there
}
