package review_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// fleet is n models with a release each, served in two environments.
func fleet(n int) schema.Catalog {
	c := schema.Catalog{Selected: map[string]schema.Selected{}}
	for i := range n {
		name := fmt.Sprintf("model-%05d", i)
		digest := func(part string) schema.Digest { return schema.Digest(fmt.Sprintf("v1-%064x", name+part))[:67] }
		m := schema.Model{
			Name: name,
			Train: schema.Train{Image: "python", Command: []string{"python", "run.py", "--lr={{ lr }}"}, Artifact: "model.dat", Search: schema.Search{
				Kind: schema.Random, Experiments: 10, Matrix: []schema.Dimension{{Name: "lr", Kind: "uniform", Value: "0.1:0.2"}},
			}},
			Select:  schema.Select{Objective: schema.Objective{Metric: "accuracy", Goal: schema.Maximize}},
			Package: &schema.Package{Image: "registry.example/" + name, Builder: schema.Builder{Dockerfile: "Dockerfile"}},
			Serve: []schema.Environment{
				{Name: "production", Namespace: "ml", ObjectName: name, Release: 1, Replicas: 2},
				{Name: "staging", Namespace: "ml-staging", ObjectName: name, Replicas: 1},
			},
			Digests: schema.Digests{Search: digest("a"), Select: digest("b"), Package: digest("c")},
		}
		c.Models = append(c.Models, m)
		c.Selected[name] = schema.Selected{Latest: 1, Last: 1, Releases: []schema.Release{{
			Number: 1, Answers: m.Digests, Experiment: fmt.Sprintf("%032x", i), Metrics: map[string]float64{"accuracy": 0.9},
			Artifact: schema.Artifact{Path: "model.dat", SHA256: strings.Repeat("5", 64)}, Commit: strings.Repeat("a", 40),
			Image: m.Package.Image + "@sha256:" + strings.Repeat("1", 64),
		}}}
	}
	return c
}

// BenchmarkReview compares two revisions that differ in one model. growth is the exponent by which the time grows with the number
// of models, since the size before.
func BenchmarkReview(b *testing.B) {
	last, size := 0.0, 0
	for _, n := range []int{100, 1000, 2000} {
		base, head := fleet(n), fleet(n)
		m := &head.Models[n/2]
		m.Train.Revision, m.Digests.Search = "2", schema.Digest("v1-"+strings.Repeat("f", 64))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				r := review.Make(review.Input{
					Base: review.Side{Name: "main", Catalog: base}, Head: review.Side{Name: "feature", Catalog: head},
					Settings: render.Settings{Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}},
					Limits:   plan.Limits{Deletions: 5, ExperimentsPerHour: 200},
				})
				if len(r.Models) != 1 || r.Unchanged != n-1 {
					b.Fatalf("%s", r)
				}
			}
			took := float64(b.Elapsed()) / float64(b.N)
			if last > 0 {
				b.ReportMetric(math.Log(took/last)/math.Log(float64(n)/float64(size)), "growth")
			}
			last, size = took, n
		})
	}
}
