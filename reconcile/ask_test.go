package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

const checked = models + `models: mnist: serve: staging: check: {
	data: data: ndarray: [[1, 2]]
	#expect: "data.ndarray.0.0": >=0.5
}
`

// asking is a world that serves what it asks for, whose models have answered nothing yet, with what was asked and told since.
type asking struct {
	*world
	mu     sync.Mutex
	score  float64
	asked  []time.Time
	passes []reconcile.Pass
}

func newAsking(t *testing.T, models string) *asking {
	w := &asking{world: newWorld(t, models), score: 0.9}
	w.converge()
	w.ask = func(_ context.Context, at render.Ref, request []byte) ([]byte, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked = append(w.asked, time.Now())
		live, err := w.cluster.Observe(t.Context())
		if err != nil || len(live.Objects[at]) != 1 || !strings.HasPrefix(string(request), `{"data":`) {
			return nil, fmt.Errorf("%s is asked %s: %w", at, request, err)
		}
		return fmt.Appendf(nil, `{"data": {"ndarray": [[%v]]}, "meta": {"requestPath": {"model": %q}}}`, w.score, live.Objects[at][0].Image), nil
	}
	return w
}

// daemon is a loop with the clock of the test.
func (w *asking) daemon() *reconcile.Loop {
	o := w.loop().Options
	o.Now = time.Now
	o.Report = func(pass reconcile.Pass, _ time.Duration, _ error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.passes = append(w.passes, pass)
	}
	return reconcile.New(o)
}

// waits are the holds of the newest pass.
func (w *asking) waits() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, h := range w.passes[len(w.passes)-1].Plan.Holds {
		all = append(all, h.String())
	}
	return all
}

// times is how often models were asked.
func (w *asking) times() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

// TestAsksOnce: a right answer is good until the daemon, the pods or the question are others.
func TestAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newAsking(t, checked)
		writes := len(w.cluster.Writes)
		loop := w.daemon()
		for n, change := range []func(){
			func() {},
			func() {}, // the daemon led anew
			func() { loop = w.daemon() },
			func() {
				time.AfterFunc(time.Minute, func() {
					w.cluster.Change(render.SeldonDeployment, func(*plan.Observed) {}) // it has another state
				})
			},
			func() {
				time.AfterFunc(time.Minute, func() { w.push(strings.Replace(checked, "[[1, 2]]", "[[3, 4]]", 1)) })
			},
		} {
			change()
			before := w.times()
			run(t, loop, 10*time.Minute)
			want := 1
			if n > 2 { // and for the daemon that begins
				want = 2
			}
			if got := w.times() - before; got != want || len(w.waits()) > 0 {
				t.Errorf("step %d: asked %d times, not %d; it waits for %q", n, got, want, w.waits())
			}
		}
		w.push(strings.Replace(checked, ">=0.5", ">=0.95", 1))
		w.cluster.Writes = slices.Clip(w.cluster.Writes)
		run(t, loop, 3*time.Second)
		if got := w.waits(); len(got) != 1 || !strings.Contains(got[0], "is 0.9, and has to be >=0.95 (models.cue:23:") {
			t.Errorf("bounds that are other ones: it waits for %q", got)
		}
		if got := w.cluster.Writes[writes:]; len(got) > 0 {
			t.Errorf("checks wrote %q", got)
		}
	})
}

func (w *asking) push(models string) {
	w.source.Push("edit", map[string][]byte{"models.cue": []byte(models)})
}

// TestAsksBlind: what was answered is known, too, after a cluster that could not be seen.
func TestAsksBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newAsking(t, checked)
		o := w.daemon().Options
		away := &away{Engine: o.Cluster}
		o.Cluster = away
		time.AfterFunc(time.Minute, func() { away.now.Store(true) })
		time.AfterFunc(2*time.Minute, func() {
			if got := w.waits(); len(got) == 0 {
				t.Error("a cluster that can't be seen is not told")
			}
			away.now.Store(false)
		})
		run(t, reconcile.New(o), 3*time.Minute)
		if n := w.times(); n != 1 || len(w.waits()) > 0 {
			t.Errorf("asked %d times; it waits for %q", n, w.waits())
		}
	})
}

// away is an engine that can't be reached now and then.
type away struct {
	reconcile.Engine
	now atomic.Bool
}

func (e *away) Observe(ctx context.Context) (plan.Live, error) {
	if e.now.Load() {
		return plan.Live{}, errors.New("the cluster can't be reached")
	}
	return e.Engine.Observe(ctx)
}

// TestAsksAgain: a model that answers otherwise is asked again, ever more rarely, is never touched, and counts once it is right.
func TestAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newAsking(t, checked)
		w.score = 0.1
		writes, loop := len(w.cluster.Writes), w.daemon()
		time.AfterFunc(time.Hour-time.Second, func() {
			want := []string{"mnist/staging: hold: release 1 fails its check: data.ndarray.0.0 is 0.1, and has to be >=0.5 (models.cue:23:31)" +
				" (asked: models.cue:22:2)"}
			if diff := cmp.Diff(want, w.waits()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.score = 0.9
		})
		run(t, loop, 70*time.Minute)
		for i, at := range w.asked[1:] {
			pause, least := at.Sub(w.asked[i]), min(5*time.Minute, time.Second<<i)
			if last := i == len(w.asked)-2; !last && (pause < least || pause > least+2*time.Second) {
				t.Errorf("asked again after %v, not %v", pause, least)
			}
		}
		if n := len(w.asked); n < 20 || n > 24 || len(w.waits()) > 0 {
			t.Errorf("asked %d times; it waits for %q", n, w.waits())
		}
		if got := w.cluster.Writes[writes:]; len(got) > 0 {
			t.Errorf("checks wrote %q", got)
		}
	})
}

// TestAsksSlow: a model that does not answer delays no pass and no other model (I10).
func TestAsksSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newAsking(t, checked+strings.ReplaceAll(checked[len(models):], "mnist", "digits"))
		answer := w.ask
		w.ask = func(ctx context.Context, at render.Ref, request []byte) ([]byte, error) {
			if at.Name == "digits" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return answer(ctx, at, request)
		}
		loop := w.daemon()
		check := func(after time.Duration, want ...string) {
			time.AfterFunc(after, func() {
				if diff := cmp.Diff(want, w.waits()); diff != "" {
					t.Errorf("after %v: -want +got:\n%s", after, diff)
				}
			})
		}
		check(2*time.Second, "digits/staging: hold: release 1 is available, and its check is not answered yet")
		check(28*time.Second, "digits/staging: hold: release 1 is available, and its check is not answered yet")
		check(32*time.Second, "digits/staging: hold: release 1 fails its check: no answer within 30s (asked: models.cue:26:2)")
		run(t, loop, 50*time.Second)
		if n := len(w.passes); n < 4 {
			t.Errorf("%d passes in 50 s", n)
		}
		w.passes = nil
		if _, err := w.loop().Once(t.Context()); err != nil { // which waits for the answers
			t.Error(err)
		}
	})
}

// TestAsksOfOnce: one pass waits for the answers and judges them.
func TestAsksOfOnce(t *testing.T) {
	w := newAsking(t, checked)
	w.ask = func(context.Context, render.Ref, []byte) ([]byte, error) {
		return nil, errors.New("the model says 500: \x1b[31mno")
	}
	pass, err := w.loop().Once(t.Context())
	const want = "mnist/staging: hold: release 1 fails its check: the model says 500: no (asked: models.cue:22:2)\n"
	if err != nil || pass.Plan.String() != want {
		t.Errorf("%v, %v; not %s", pass.Plan, err, want)
	}
}
