package reconcile_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestConverges lets people edit, engines work and processes die in any order. Whatever happened: no search is started twice
// (I1), no release is lost or changed (I2), nothing is served that git does not hold (I4), and once the faults stop the state is
// the one that git asks for (I5).
//
// A run evaluates CUE in every pass, so it makes few; `go test ./reconcile -run Converges -rapid.checks=1000` makes more.
func TestConverges(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("10"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		h := &history{world: newWorld(t, ""), people: map[string]wish{"digits": {}, "mnist": {present: true}}}
		h.push("start")
		if rapid.IntRange(0, 3).Draw(t, "from nothing") > 0 {
			h.settle()
		}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			rapid.SampledFrom([]func(*rapid.T){h.edit, h.days, h.days, h.crash, h.crash, h.race}).Draw(t, "step")(t)
			h.check()
		}
		h.settle()
	})
}

// wish is what people ask for a model.
type wish struct {
	present                       bool
	revision, attempt, production int
	replicas                      int
	goal, serve                   int // which of two
}

// history is a world in which people change their minds.
type history struct {
	*world
	people map[string]wish
	before map[string]schema.Selected
}

// spec is models.cue as people would write it.
func (h *history) spec() []byte {
	var b strings.Builder
	b.WriteString("package models\n\nmodels: {}\n")
	for _, name := range []string{"digits", "mnist"} {
		w := h.people[name]
		if !w.present {
			fmt.Fprintf(&b, "retired: %s: \"no longer used\"\n", name)
			continue
		}
		fmt.Fprintf(&b, `models: %s: {
	train: {
		image: "python:3.12", revision: %d
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {random: {experiments: 3, seed: 7}, matrix: lr: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: %q}
	package: {image: "registry.example/%s", source: path: %q, attempt: %d}
	serve: {staging: {namespace: "ml-staging", replicas: %d}%s}
}
`, name, w.revision, []string{"maximize", "minimize"}[w.goal], name, []string{"serve", "serve2"}[w.serve], w.attempt, w.replicas+1, production(w))
	}
	return []byte(b.String())
}

func production(w wish) string {
	if w.production == 0 {
		return ""
	}
	return fmt.Sprintf(", production: {namespace: \"ml\", release: %d}", w.production)
}

func (h *history) push(message string) {
	h.source.Push(message, map[string][]byte{"models.cue": h.spec(), "serve2/Model.py": []byte("class Model: better")})
}

// edit is a pull request.
func (h *history) edit(t *rapid.T) {
	name := rapid.SampledFrom([]string{"digits", "mnist"}).Draw(t, "model")
	w := h.people[name]
	switch rapid.SampledFrom([]string{"present", "revision", "goal", "serve", "attempt", "production", "replicas"}).Draw(t, "edit") {
	case "present":
		w.present = !w.present
	case "revision":
		w.revision = rapid.IntRange(0, 2).Draw(t, "revision")
	case "goal":
		w.goal = 1 - w.goal
	case "serve":
		w.serve = 1 - w.serve
	case "attempt":
		w.attempt++
	case "production":
		w.production = rapid.IntRange(0, 3).Draw(t, "release")
	case "replicas":
		w.replicas = 1 - w.replicas
	}
	h.people[name] = w
	h.push("edit")
}

// days lets passes and the engines take turns.
func (h *history) days(t *rapid.T) {
	for range rapid.IntRange(1, 4).Draw(t, "days") {
		h.pass()
	}
}

// crash is a pass of which all writes of one kind fail: they did not happen, or only their reply was lost. Nothing is known after
// it but what git and the engines hold, as after a kill -9.
func (h *history) crash(t *rapid.T) {
	kind := rapid.SampledFrom([]string{
		"create Search", "create Claim", "update Claim", "create Workflow", "create SeldonDeployment", "update SeldonDeployment", "fetch", "remove", "commit",
	}).Draw(t, "fails")
	lost := rapid.Bool().Draw(t, "only the reply is lost")
	fault := func(what string) (error, bool) {
		if strings.HasPrefix(what, kind) {
			return context.DeadlineExceeded, lost
		}
		return nil, false
	}
	h.searches.Fault, h.cluster.Fault = fault, fault
	if kind == "commit" {
		h.source.Fault = func() (error, bool) { return context.DeadlineExceeded, lost }
	}
	h.pass()
	h.searches.Fault, h.cluster.Fault, h.source.Fault = nil, nil, nil
}

// race lets a person push while the next commit is made.
func (h *history) race(*rapid.T) {
	h.source.Race = func() { h.push("in between") }
}

// catalog is what git says.
func (h *history) catalog() schema.Catalog {
	tip, err := h.source.Tip(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	tree, err := h.source.Fetch(h.Context(), tip)
	if err != nil {
		h.Fatal(err)
	}
	c, err := schema.Load(h.Context(), tree)
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// check is what holds at any time.
func (h *history) check() {
	c := h.catalog()
	for model, before := range h.before {
		now := c.Selected[model]
		if now.Last < before.Last || now.Last < len(now.Releases) {
			h.Fatalf("I2: %s: last went from %d to %d", model, before.Last, now.Last)
		}
		for _, r := range before.Releases {
			kept, _ := now.Release(r.Number)
			if r.Image == "" {
				kept.Image = ""
			}
			if !reflect.DeepEqual(kept, r) {
				h.Fatalf("I2: %s: release %d was %+v and is %+v", model, r.Number, r, kept)
			}
		}
	}
	h.before = c.Selected
	h.once()
	h.served(c)
}

// once counts the creates of each search.
func (h *history) once() {
	created := map[string]int{}
	for _, what := range h.searches.Writes {
		if created[what]++; strings.HasPrefix(what, "create ") && created[what] > 1 {
			h.Fatalf("I1: %s %d times", what, created[what])
		}
	}
}

// served compares what is served with the images that git holds.
func (h *history) served(c schema.Catalog) {
	images := map[string]bool{}
	for _, s := range c.Selected {
		for _, r := range s.Releases {
			images[r.Image] = true
		}
	}
	for _, o := range h.live(h.cluster.Observe) {
		if o.Ref.Kind == render.SeldonDeployment && !images[o.Image] {
			h.Fatalf("I4: %s serves %s, which no release has", o.Ref, o.Image)
		}
	}
}

func (h *history) live(observe func(context.Context) (plan.Live, error)) []plan.Observed {
	live, err := observe(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	var all []plan.Observed
	for _, objects := range live.Objects {
		all = append(all, objects...)
	}
	return all
}

// settle makes passes until nothing is left to do, then compares the cluster with git.
func (h *history) settle() {
	h.source.Race = nil
	if err := h.quiet(); err != nil {
		h.Fatal(err)
	}
	h.check()
	c, serving := h.catalog(), map[string]string{}
	for _, o := range h.live(h.cluster.Observe) {
		if o.Ref.Kind == render.SeldonDeployment {
			serving[o.Model+"/"+o.Environment] = o.Image
		}
	}
	want := map[string]string{}
	for _, m := range c.Models {
		latest, _ := c.Selected[m.Name].Release(c.Selected[m.Name].Latest)
		if latest.Answers != m.Digests || latest.Image == "" {
			h.Fatalf("I5: %s: latest is %+v, asked for are %+v", m.Name, latest, m.Digests)
		}
		for _, e := range m.Serve {
			if r, waits := plan.Served(c.Selected[m.Name], e); waits == "" {
				want[m.Name+"/"+e.Name] = r.Image
			}
		}
	}
	if !reflect.DeepEqual(serving, want) {
		h.Fatalf("I5: served is %v, asked for is %v", serving, want)
	}
}

func (h *history) quiet() error {
	const enough = 15 // of them five let an unconfirmed claim expire
	var p string
	for range enough {
		pass := h.pass()
		if p = pass.Plan.String(); len(pass.Plan.Actions) == 0 && !strings.Contains(p, "is not confirmed") && !strings.Contains(p, "running") {
			return nil
		}
	}
	return errors.New("I5: no fixpoint, the plan is still\n" + p)
}
