package sandbox_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestLoopGoesOn has a loop run while somebody pushes models that take all memory or never end: the healthy one gets its search
// within one pass (I10), a repaired one soon after, and the log names those that are frozen.
func TestLoopGoesOn(t *testing.T) {
	t.Parallel()
	source := &memory.Source{}
	push := func(bomb string) {
		source.Push("models", map[string][]byte{"models.cue": []byte(healthy), "bomb.cue": []byte("package models\n\nimport \"math/bits\"\n\n" + bomb)})
	}
	push(`models: bomb: owner: "\(bits.Lsh(1, 10000000000))"
models: loop: owner: "\(len([for a in #N for b in #N for c in #N for d in #N for e in #N {bits.Lsh(a, b)}]))"
#N: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]`)
	searches, cluster := memory.NewEngine(time.Now), memory.NewEngine(time.Now)
	var log strings.Builder
	s := newSandbox(t, deadline)
	loop := reconcile.New(reconcile.Options{
		Source: source, Searches: searches, Cluster: cluster,
		Load: func(ctx context.Context, tree schema.Tree) (schema.Catalog, error) {
			return schema.LoadWith(ctx, tree, s.Evaluate)
		},
		Settings: render.Settings{Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}},
		Limits:   plan.Limits{Deletions: 5, ExperimentsPerHour: 200, CommitsPerHour: 20}, Holder: "test", Poll: time.Second,
		Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now,
	})
	begun := time.Now()
	for !strings.Contains(strings.Join(searches.Writes, "\n"), "healthy") {
		if _, err := loop.Once(t.Context()); err != nil {
			t.Log(err)
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the searches after a minute are %q", searches.Writes)
		}
	}
	for _, frozen := range []string{"bomb", "loop"} {
		if !strings.Contains(log.String(), frozen+": ") {
			t.Errorf("%s is not in the log\n%s", frozen, log.String())
		}
	}
	push("models: bomb: models.healthy & {train: revision: bits.Lsh(1, 3)}")
	for range 5 {
		if _, err := loop.Once(t.Context()); err != nil {
			t.Log(err)
		}
	}
	if !strings.Contains(strings.Join(searches.Writes, "\n"), "bomb") {
		t.Errorf("the model was repaired and has no search: %q\n%s", searches.Writes, log.String())
	}
}
