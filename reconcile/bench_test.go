package reconcile_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// BenchmarkQuietPass is a pass that has nothing to do, with all of a fleet trained, built and served: a listing, no fetch, no CUE,
// no write. growth is the exponent by which the time grows with the fleet: 1 is linear.
func BenchmarkQuietPass(b *testing.B) {
	var before float64
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			loop := fleet(b, n)
			for b.Loop() {
				if p, err := loop.Once(b.Context()); err != nil || p.Done > 0 || len(p.Plan.Holds) > 0 {
					b.Fatal(err, p.Plan)
				}
			}
			each := b.Elapsed().Seconds() / float64(b.N)
			if before > 0 {
				b.ReportMetric(math.Log10(each/before), "growth")
			}
			before = each
		})
	}
}

// fleet is a loop over n models that are done.
func fleet(b *testing.B, n int) *reconcile.Loop {
	w := newWorld(b, models)
	loop := w.loop()
	o := loop.Options
	o.Log = slog.New(slog.DiscardHandler)
	c := schema.Catalog{Selected: map[string]schema.Selected{}}
	one := w.only(b)
	for i := range n {
		m := one
		m.Name = fmt.Sprintf("model-%04d", i)
		m.Serve = []schema.Environment{{Name: "staging", Namespace: "ml-staging", ObjectName: m.Name, Replicas: 1}}
		c.Models = append(c.Models, m)
		r := schema.Release{
			Number: 1, Answers: m.Digests, Experiment: fmt.Sprintf("%032x", i), Commit: strings.Repeat("a", 40),
			Image: m.Package.Image + "@sha256:" + strings.Repeat("1", 64), Artifact: schema.Artifact{Path: "model.dat", SHA256: strings.Repeat("5", 64)},
		}
		c.Selected[m.Name] = schema.Selected{Latest: 1, Last: 1, Releases: []schema.Release{r}}
		w.apply(b, render.NewSearch(m, o.Settings, ""))
		w.apply(b, render.NewWorkflow(m, r, o.Settings))
		w.apply(b, render.NewSeldonDeployment(m, m.Serve[0], r, o.Settings))
	}
	w.advance()
	o.Load = func(context.Context, schema.Tree) (schema.Catalog, error) { return c, nil }
	return reconcile.New(o)
}

func (w *world) only(b *testing.B) schema.Model {
	p, err := w.loop().Plan(b.Context())
	if err != nil || len(p.Catalog.Models) != 1 {
		b.Fatal(err)
	}
	return p.Catalog.Models[0]
}

func (w *world) apply(b *testing.B, o render.Object) {
	engine := w.cluster
	if o.Ref.Kind == render.Search {
		engine = w.searches
	}
	if err := engine.Apply(b.Context(), o, ""); err != nil {
		b.Fatal(err)
	}
}
