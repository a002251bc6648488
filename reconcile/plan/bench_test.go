package plan_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// fleet is n models that are trained, built and served in two environments each, and all that lives of them.
func fleet(n int) plan.Input {
	c := schema.Catalog{Selected: map[string]schema.Selected{}}
	for i := range n {
		m := fleetModel(fmt.Sprintf("model-%04d", i))
		c.Models = append(c.Models, m)
		c.Selected[m.Name] = schema.Selected{Latest: 1, Last: 1, Releases: []schema.Release{{
			Number: 1, Answers: m.Digests, Experiment: fmt.Sprintf("%032x", i), Metrics: map[string]float64{"accuracy": 0.9},
			Artifact: schema.Artifact{Path: "model.dat", SHA256: strings.Repeat("5", 64)}, Commit: tip,
			Image: m.Package.Image + "@sha256:" + strings.Repeat("1", 64),
		}}}
	}
	live := plan.Done(c, settings())
	for _, m := range c.Models {
		workflow := render.NewWorkflow(m, c.Selected[m.Name].Releases[0], settings())
		claim := render.NewClaim(render.NewSearch(m, settings(), tip), render.ClaimData{}, settings())
		for _, o := range []render.Object{workflow, claim} {
			live.Objects[o.Ref] = []plan.Observed{{Ref: o.Ref, Model: o.Model, Digest: o.Digest, Phase: plan.Succeeded, Created: noon}}
		}
	}
	return plan.Input{
		Catalog: c, Desired: plan.Desire(c, settings()), Live: live, Settings: settings(), Revision: tip, Now: noon.Add(24 * time.Hour),
		Limits: plan.Limits{Deletions: 5, ExperimentsPerHour: 200}, Holder: "bench",
	}
}

func fleetModel(name string) schema.Model {
	digest := func(part string) schema.Digest {
		return schema.Digest(fmt.Sprintf("v1-%064x", name+part))[:67]
	}
	return schema.Model{
		Name: name,
		Train: schema.Train{
			Image: "python", Command: []string{"python", "run.py", "--lr={{ lr }}"}, Artifact: "model.dat",
			Search: schema.Search{Kind: schema.Random, Experiments: 10, Matrix: []schema.Dimension{{Name: "lr", Kind: "uniform", Value: "0.1:0.2"}}},
		},
		Select:  schema.Select{Objective: schema.Objective{Metric: "accuracy", Goal: schema.Maximize}},
		Package: &schema.Package{Image: "registry.example/" + name, Source: schema.Source{Path: "serve"}, Builder: schema.Builder{Dockerfile: "Dockerfile"}},
		Serve: []schema.Environment{
			{Name: "production", Namespace: "ml", ObjectName: name, Release: 1, Replicas: 2},
			{Name: "staging", Namespace: "ml-staging", ObjectName: name, Replicas: 1},
		},
		Digests: schema.Digests{Search: digest("a"), Select: digest("b"), Package: digest("c")},
	}
}

// BenchmarkMake plans fleets in which nothing is to be done. growth is the exponent by which the time grows with the fleet: 1 is
// linear. live-MB is what the catalog and all that lives take of memory.
func BenchmarkMake(b *testing.B) {
	var before float64
	for _, n := range []int{10, 100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var empty, full runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&empty)
			in := fleet(n)
			runtime.GC()
			runtime.ReadMemStats(&full)
			for b.Loop() {
				if p := plan.Make(in); len(p.Actions)+len(p.Holds) > 0 {
					b.Fatal(p)
				}
			}
			each := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(float64(full.HeapAlloc-empty.HeapAlloc)/(1<<20), "live-MB")
			if before > 0 && n <= 1000 {
				b.ReportMetric(math.Log10(each/before), "growth")
			}
			before = each
		})
	}
}

// BenchmarkFollow compares a fleet with one in which an environment has one replica more.
func BenchmarkFollow(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			past, next := plan.Since(fleet(n).Catalog), fleet(n).Catalog
			next.Models[0].Serve[0].Replicas++
			for b.Loop() {
				if _, changes := past.Follow(next); len(changes) != 1 {
					b.Fatal(changes)
				}
			}
		})
	}
}
