package reconcile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// distrust has the branch of a world refuse all that is pushed from now on, but by itself.
func (w *world) distrust() {
	tip, err := w.source.Tip(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.source.Trust = func(r plan.Revision) error {
		if r == tip {
			return nil
		}
		return fmt.Errorf("commit %s of Eve is %w: it is not signed", r.Short(), reconcile.ErrUntrusted)
	}
}

// TestUntrustedTip pushes what nobody vouches for: the last good revision stays in force, and what was changed by hand is put back (I4).
func TestUntrustedTip(t *testing.T) {
	w := newWorld(t, models)
	w.converge()
	loop := w.loop()
	good, err := loop.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.distrust()
	bad := w.source.Push("nothing left", map[string][]byte{"models.cue": []byte("package models\n\nmodels: {}\n")})
	w.cluster.Change(render.SeldonDeployment, func(o *plan.Observed) { o.Digest = "by hand" })
	w.cluster.Writes, w.log = nil, strings.Builder{}
	for range 3 {
		p, err := loop.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		holds := slices.DeleteFunc(slices.Clone(p.Plan.Holds), func(h plan.Hold) bool { return h.Model != "" })
		if len(holds) != 1 || !strings.Contains(holds[0].Reason, bad.Short()+" of Eve is not trusted: it is not signed") ||
			!strings.Contains(holds[0].Reason, good.Revision.Short()) {
			t.Errorf("I4: the holds are %v", p.Plan.Holds)
		}
		if p.Revision != good.Revision || !errors.Is(p.Untrusted, reconcile.ErrUntrusted) {
			t.Errorf("I4: planned on %s, untrusted %v; want %s", p.Revision.Short(), p.Untrusted, good.Revision.Short())
		}
	}
	if len(w.cluster.Writes) != 1 || !strings.HasPrefix(w.cluster.Writes[0], "update SeldonDeployment") {
		t.Errorf("I4: the cluster was written %q; only what was changed by hand is put back", w.cluster.Writes)
	}
	if n := strings.Count(w.log.String(), "not trusted"); n != 1 {
		t.Errorf("%d lines in the log, not one:\n%s", n, w.log.String())
	}
	w.source.Trust = nil // the key was added to the list
	p, err := loop.Once(t.Context())
	if err != nil || p.Revision != bad || p.Untrusted != nil || strings.Contains(p.Plan.String(), "not trusted") {
		t.Errorf("once it is trusted: planned on %s, untrusted %v, %v\n%s", p.Revision.Short(), p.Untrusted, err, p.Plan)
	}
}

// TestUntrustedRecord lets a search end while the tip is held: the release is not committed, and says what it waits for, until there is a
// tip to trust (I2, I3).
func TestUntrustedRecord(t *testing.T) {
	w := newWorld(t, models)
	loop := w.loop()
	once := func() reconcile.Pass {
		p, err := loop.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.advance()
		return p
	}
	once()
	once() // fetches the sha256
	w.distrust()
	bad := w.source.Push("by Eve", map[string][]byte{"README.md": []byte("hello")})
	p := once()
	want := plan.Hold{Model: "mnist", Reason: "not committed while the tip of the branch is not trusted: record: release 1, experiment "}
	waits := func(h plan.Hold) bool { return h.Model == want.Model && strings.HasPrefix(h.Reason, want.Reason) }
	if !slices.ContainsFunc(p.Plan.Holds, waits) {
		t.Errorf("the plan is\n%s\nwant a hold such as %s", p.Plan, want)
	}
	for _, a := range p.Plan.Actions {
		if _, ok := a.(plan.Record); ok || len(p.Failed) > 0 {
			t.Errorf("I3: %s is tried, failed are %v", a, p.Failed)
		}
	}
	if log := w.source.Log(); len(log) != 2 {
		t.Errorf("I3: the commits are %q", log)
	}
	w.source.Trust = nil
	for range 5 {
		once()
	}
	if w.source.File("README.md") != "hello" || !strings.Contains(w.source.File("selected/mnist.cue"), "latest: 1") {
		t.Errorf("I2: after %s is trusted the commits are %q", bad.Short(), w.source.Log())
	}
}

// TestUntrustedRace has the tip go bad between a plan and its commit.
func TestUntrustedRace(t *testing.T) {
	w := newWorld(t, models)
	loop := w.loop()
	for range 2 { // the second fetches the sha256
		if _, err := loop.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.advance()
	}
	w.source.Race = func() {
		w.distrust()
		w.source.Push("by Eve", map[string][]byte{"README.md": []byte("hello")})
	}
	p, err := loop.Once(t.Context())
	if err != nil || !errors.Is(p.Untrusted, reconcile.ErrUntrusted) || len(w.source.Log()) != 2 {
		t.Errorf("I3: untrusted %v, %v, the commits are %q", p.Untrusted, err, w.source.Log())
	}
}

// TestUntrustedStart begins on a tip that nobody vouches for: nothing is done at all, and nothing deleted (I4, I9).
func TestUntrustedStart(t *testing.T) {
	w := newWorld(t, models)
	w.converge()
	w.distrust()
	w.source.Push("nothing left", map[string][]byte{"models.cue": []byte("package models\n\nmodels: {}\n")})
	w.cluster.Change(render.SeldonDeployment, func(o *plan.Observed) { o.Digest = "by hand" })
	w.cluster.Writes, w.searches.Writes = nil, nil
	for range 3 {
		p, err := w.loop().Once(t.Context())
		if !errors.Is(err, reconcile.ErrUntrusted) || p.Done > 0 || !strings.Contains(err.Error(), "of Eve is not trusted: it is not signed") {
			t.Errorf("%v, done %d", err, p.Done)
		}
	}
	if len(w.cluster.Writes)+len(w.searches.Writes) > 0 {
		t.Errorf("I9: written %q %q", w.cluster.Writes, w.searches.Writes)
	}
}
