package reconcile_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// TestLeadEnds has another daemon take over while a commit is under way: it is cancelled at once, where SIGTERM lets it finish.
func TestLeadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, models)
		w.pass()
		w.pass()
		leading, lose := context.WithCancel(t.Context())
		o := w.loop().Options
		o.Source = &slowSource{Source: w.source, stop: lose}
		begun := time.Now()
		reconcile.New(o).Lead(t.Context(), leading)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it went on for %v", took)
		}
		if got := w.source.Log(); len(got) != 1 {
			t.Errorf("the commits are %q", got)
		}
	})
}

// TestReport is told of passes that were made, and of those that could not be.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, there := range []bool{true, false} {
			w := newWorld(t, models)
			if !there {
				w.source = &memory.Source{} // has no branch
			}
			made, failed := 0, 0
			o := w.loop().Options
			o.Report = func(pass reconcile.Pass, took time.Duration, err error) {
				if (err == nil) != (pass.Revision != "") || took < 0 {
					t.Errorf("reported %+v after %v: %v", pass, took, err)
				}
				if err == nil {
					made++
				} else {
					failed++
				}
			}
			run(t, reconcile.New(o), 5*time.Minute)
			if there != (made > 10) || there != (failed == 0) {
				t.Errorf("with a branch: %v; %d passes, %d that failed", there, made, failed)
			}
		}
	})
}
