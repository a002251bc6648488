package reconcile_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestRunPolls counts listings in five quiet minutes: one a poll, with jitter.
func TestRunPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, models)
		w.converge()
		w.source.Listings = 0
		run(t, w.loop(), 5*time.Minute)
		if n := w.source.Listings; n < 20 || n > 26 {
			t.Errorf("%d listings in five minutes of polls every 15 s", n)
		}
	})
}

// TestRunPokes storms the loop with pokes: one pass a second at most (I7).
func TestRunPokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, models)
		w.converge()
		w.source.Listings = 0
		loop := w.loop()
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		var storm sync.WaitGroup
		storm.Go(func() {
			for ctx.Err() == nil {
				loop.Poke()
				time.Sleep(time.Millisecond)
			}
		})
		loop.Run(ctx)
		storm.Wait()
		if n := w.source.Listings; n < 9 || n > 11 {
			t.Errorf("%d listings in ten seconds of pokes", n)
		}
	})
}

// TestRunBacksOff has the source unreachable: the waits grow to a minute, and one line is logged each time.
func TestRunBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, models)
		w.source = &memory.Source{} // has no branch
		run(t, w.loop(), 10*time.Minute)
		if n := w.source.Listings; n < 15 || n > 20 {
			t.Errorf("%d listings in ten minutes without a branch", n)
		}
		if n := strings.Count(w.log.String(), "the branch does not exist"); n != w.source.Listings {
			t.Errorf("%d lines for %d failures", n, w.source.Listings)
		}
	})
}

// TestRunDrains ends the context while a commit is under way: it is finished.
func TestRunDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, models)
		w.pass()
		w.pass()
		ctx, stop := context.WithCancel(t.Context())
		slow := &slowSource{Source: w.source, stop: stop}
		o := w.loop().Options
		o.Source = slow
		reconcile.New(o).Run(ctx)
		if got := w.source.Log(); len(got) != 2 {
			t.Errorf("the commits are %q", got)
		}
	})
}

// slowSource is told to stop when it begins to commit, and needs ten seconds then.
type slowSource struct {
	*memory.Source
	stop func()
}

func (s *slowSource) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	s.stop()
	select {
	case <-time.After(10 * time.Second):
		return s.Source.Commit(ctx, base, edit)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// TestRunStopsLooking ends the context while the repository, then an engine, does not answer: there is nothing to drain.
func TestRunStopsLooking(t *testing.T) {
	for name, hang := range map[string]func(*reconcile.Options){
		"source": func(o *reconcile.Options) { o.Source = silentSource{o.Source} },
		"engine": func(o *reconcile.Options) { o.Cluster = silentEngine{o.Cluster} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, models)
				o := w.loop().Options
				hang(&o)
				begun := time.Now()
				run(t, reconcile.New(o), 10*time.Second)
				if took := time.Since(begun); took > 11*time.Second {
					t.Errorf("it went on for %v", took-10*time.Second)
				}
				if strings.Contains(w.log.String(), "looking again") {
					t.Errorf("the log says\n%s", w.log.String())
				}
			})
		})
	}
}

type silentSource struct{ reconcile.Source }

func (silentSource) Tip(ctx context.Context) (plan.Revision, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

type silentEngine struct{ reconcile.Engine }

func (silentEngine) Observe(ctx context.Context) (plan.Live, error) {
	<-ctx.Done()
	return plan.Live{}, ctx.Err()
}

// TestFetchFails keeps what is live when the tip can be listed but not read (I9).
func TestFetchFails(t *testing.T) {
	w := newWorld(t, models)
	w.converge()
	o := w.loop().Options
	o.Source = unreadable{w.source}
	if _, err := reconcile.New(o).Once(t.Context()); err == nil || !strings.Contains(err.Error(), "pack is truncated") {
		t.Errorf("the error is %v", err)
	}
}

type unreadable struct{ *memory.Source }

func (unreadable) Fetch(context.Context, plan.Revision) (schema.Tree, error) {
	return nil, errors.New("pack is truncated")
}

func run(t *testing.T, loop *reconcile.Loop, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	loop.Run(ctx)
}
