package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const models = `package models

models: [Name=string]: {
	train: {
		image:   "python:3.12"
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {
			random: {experiments: 3, seed: 7}
			matrix: lr: uniform: "0.1:0.2"
		}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {
		image: "registry.example/\(Name)"
		source: path: "serve"
	}
	serve: staging: namespace: "ml-staging"
}
models: mnist: owner: "vision@example.com"
`

// world is a repository and two engines, moved on by hand.
type world struct {
	tb
	source            *memory.Source
	searches, cluster *memory.Engine
	now               time.Time
	log               strings.Builder
	load              func(context.Context, schema.Tree) (schema.Catalog, error)
	limits            plan.Limits
	ask               func(context.Context, render.Ref, []byte) ([]byte, error) // nil where nobody asks
}

// tb is what a world needs of a *testing.T or a *rapid.T.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

func newWorld(t tb, models string) *world {
	w := &world{
		tb: t, source: &memory.Source{}, now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC),
		load: schema.Load, limits: plan.Limits{Deletions: 5, ExperimentsPerHour: 200, CommitsPerHour: 20},
	}
	clock := func() time.Time { return w.now }
	w.searches, w.cluster = memory.NewEngine(clock), memory.NewEngine(clock)
	w.source.Push("models", map[string][]byte{"models.cue": []byte(models), "serve/Model.py": []byte("class Model: pass")})
	return w
}

func (w *world) loop() *reconcile.Loop {
	return reconcile.New(reconcile.Options{
		Source: w.source, Searches: w.searches, Cluster: w.cluster, Load: w.load,
		Settings: render.Settings{Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}},
		Limits:   w.limits, Holder: "test", Poll: 15 * time.Second,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)), Now: func() time.Time { return w.now }, Ask: w.ask,
	})
}

// pass makes a pass by a loop that knows nothing, as after a kill -9, and moves the engines on.
func (w *world) pass() reconcile.Pass {
	w.Helper()
	p, err := w.loop().Once(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.advance()
	return p
}

// advance lets the engines do their work: every running object succeeds.
func (w *world) advance() {
	w.now = w.now.Add(time.Minute)
	w.searches.Change(render.Search, func(o *plan.Observed) {
		if o.Phase != plan.Running {
			return
		}
		o.Phase, o.Ended = plan.Succeeded, w.now
		for i, accuracy := range []float64{0.8, 0.95, 0.9} {
			o.Experiments = append(o.Experiments, plan.Experiment{
				UID: fmt.Sprintf("%s%024d", o.UID[24:], i), Created: o.Created, Ended: w.now, Phase: plan.Succeeded,
				Params: map[string]any{"lr": 0.1}, Metrics: map[string]float64{"accuracy": accuracy},
			})
		}
	})
	w.cluster.Change(render.Workflow, func(o *plan.Observed) {
		if o.Phase == plan.Running { // each build makes another image
			o.Phase, o.Ended, o.Image = plan.Succeeded, w.now, "registry.example/"+o.Model+"@sha256:"+strings.TrimPrefix(string(o.Digest), "v1-")
		}
	})
	w.cluster.Change(render.SeldonDeployment, func(o *plan.Observed) { o.Phase = plan.Succeeded })
}

// converge makes passes until one has nothing to do, ten at most.
func (w *world) converge() {
	w.Helper()
	for range 10 {
		if p := w.pass(); len(p.Plan.Actions) == 0 {
			return
		}
	}
	w.Fatal("no fixpoint after ten passes (I5)")
}

func creates(e *memory.Engine, kind render.Kind) int {
	n := 0
	for _, what := range e.Writes {
		if strings.HasPrefix(what, "create "+string(kind)+" ") {
			n++
		}
	}
	return n
}

// TestThread goes from commit to commit, each pass by a process that was just started.
func TestThread(t *testing.T) {
	w := newWorld(t, models)
	w.converge()
	want := []string{"models", "mnist: release 1, experiment", "mnist: release 1 is registry.example/mnist@sha256:"}
	for i, subject := range w.source.Log() {
		if i >= len(want) || !strings.HasPrefix(subject, want[i]) {
			t.Errorf("commit %d: %s", i, subject)
		}
	}
	for _, trailer := range []string{"Trefoil-Model: mnist\n", "Trefoil-Release: 1\n", "Trefoil-Search: v1-", "Trefoil-Spec-Commit: "} {
		if !strings.Contains(w.source.Message(), "\n"+trailer) {
			t.Errorf("no trailer %q in\n%s", trailer, w.source.Message())
		}
	}
	if s, b, d := creates(w.searches, render.Search), creates(w.cluster, render.Workflow), creates(w.cluster, render.SeldonDeployment); s != 1 || b != 1 || d != 1 {
		t.Errorf("I1: %d searches, %d Workflows, %d SeldonDeployments were created, not one each", s, b, d)
	}
	if got := w.source.File("selected/mnist.cue"); !strings.Contains(got, "latest: 1") || !strings.Contains(got, "accuracy: 0.95") {
		t.Errorf("selected/mnist.cue is\n%s", got)
	}
}

// TestQuietPass counts what a pass costs that has nothing to do.
func TestQuietPass(t *testing.T) {
	w := newWorld(t, models)
	w.converge()
	o, read := w.loop().Options, 0
	o.Source = reading{w.source, &read}
	loop := reconcile.New(o)
	if _, err := loop.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if read == 0 {
		t.Fatal("the specs were evaluated without being read")
	}
	read = 0
	w.source.Listings, w.source.Fetches, w.searches.Writes, w.cluster.Writes = 0, 0, nil, nil
	if p, err := loop.Once(t.Context()); err != nil || p.Done != 0 {
		t.Fatal(p.Plan, err)
	}
	if w.source.Listings != 1 || w.source.Fetches != 0 {
		t.Errorf("%d listings and %d fetches, not 1 and 0", w.source.Listings, w.source.Fetches)
	}
	if read > 0 {
		t.Errorf("%d files were read, so that CUE could be evaluated", read)
	}
	if len(w.searches.Writes)+len(w.cluster.Writes) > 0 {
		t.Errorf("writes: %q %q", w.searches.Writes, w.cluster.Writes)
	}
}

// reading counts the files that are read of its trees.
type reading struct {
	*memory.Source
	read *int
}

func (r reading) Fetch(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	tree, err := r.Source.Fetch(ctx, revision)
	return readingTree{tree, r.read}, err
}

type readingTree struct {
	schema.Tree
	read *int
}

func (t readingTree) Open(name string) (fs.File, error) {
	*t.read++
	return t.Tree.Open(name)
}

// TestPlanRace lets people push while the tip is read: a plan is of the newest, and says so where they never stop.
func TestPlanRace(t *testing.T) {
	for times, want := range map[int]error{2: nil, 100: reconcile.ErrStale} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, models)
			o := w.loop().Options
			o.Source = &hastySource{Source: w.source, pushes: times}
			pass, err := reconcile.New(o).Plan(t.Context())
			if tip, _ := w.source.Tip(t.Context()); !errors.Is(err, want) || err == nil && pass.Revision != tip {
				t.Errorf("after %d pushes: planned on %q, not %q: %v", times, pass.Revision, tip, err)
			}
		})
	}
}

// hastySource has somebody push just before each of the first fetches.
type hastySource struct {
	*memory.Source
	pushes int
}

func (b *hastySource) Fetch(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	if b.pushes--; b.pushes >= 0 {
		b.Push("by hand", map[string][]byte{"README.md": fmt.Append(nil, b.pushes)})
	}
	return b.Source.Fetch(ctx, revision)
}

// TestRace lets a person push while a release is committed: the release is planned again on the new tip, nothing is lost (I2, I3).
func TestRace(t *testing.T) {
	w := newWorld(t, models)
	w.pass()
	w.pass() // fetches the sha256
	w.source.Race = func() { w.source.Push("by hand", map[string][]byte{"README.md": []byte("hello")}) }
	w.converge()
	if w.source.File("README.md") != "hello" || !strings.Contains(w.source.File("selected/mnist.cue"), "latest: 1") {
		t.Errorf("the commits are %q", w.source.Log())
	}
}

// TestBlockedFile keeps one model's file from being written: the others' releases are committed all the same (I10), and its own is
// once the file is free (I5).
func TestBlockedFile(t *testing.T) {
	w := newWorld(t, models+"models: ant: {}\nmodels: zebra: {}\n")
	w.source.Blocked = "selected/mnist.cue"
	w.pass()
	w.pass() // fetches the sha256
	p := w.pass()
	if len(p.Failed) != 1 || p.Failed[0].Model != "mnist" || !strings.Contains(p.Failed[0].Reason, "edited and not committed") {
		t.Errorf("failed: %v", p.Failed)
	}
	log := strings.Join(w.source.Log(), "\n")
	for _, name := range []string{"ant", "zebra"} {
		if !strings.Contains(w.source.File("selected/"+name+".cue"), `releases: "1"`) {
			t.Errorf("%s has no release: %s", name, log)
		}
	}
	if w.source.File("selected/mnist.cue") != "" || strings.Contains(log, "mnist") {
		t.Errorf("the blocked file was committed: %s", log)
	}
	w.source.Blocked = ""
	w.converge()
	if !strings.Contains(w.source.File("selected/mnist.cue"), "latest: 1") {
		t.Errorf("the commits are %s", log)
	}
}

// TestLostReply has the create of a search happen without an answer: it is looked up, never sent twice (I1).
func TestLostReply(t *testing.T) {
	for _, lost := range []bool{true, false} {
		w := newWorld(t, models)
		broken := true
		w.searches.Fault = func(what string) (error, bool) {
			if broken && strings.HasPrefix(what, "create") {
				return context.DeadlineExceeded, lost
			}
			return nil, false
		}
		if p := w.pass(); len(p.Failed) != 1 {
			t.Errorf("failed actions: %v", p.Failed)
		}
		broken = false
		if !lost { // the claim has to expire first
			w.now = w.now.Add(-30 * time.Second)
			if p := w.pass(); !strings.Contains(p.Plan.String(), "is not confirmed") {
				t.Errorf("the plan is\n%s", p.Plan)
			}
			w.now = w.now.Add(5 * time.Minute)
		}
		w.converge()
		if n := creates(w.searches, render.Search); n != 1 {
			t.Errorf("lost %t: %d searches, not 1", lost, n)
		}
	}
}

// TestOneModelFails has the engine refuse one model's objects: the other goes on (I10).
func TestOneModelFails(t *testing.T) {
	w := newWorld(t, models+"models: other: owner: \"x@example.com\"\n")
	w.cluster.Fault = func(what string) (error, bool) {
		if strings.Contains(what, "Workflow argo/mnist") {
			return errors.New("admission webhook says no"), false
		}
		return nil, false
	}
	var p reconcile.Pass
	for range 10 {
		p = w.pass()
	}
	want := []plan.Hold{{Model: "mnist", Reason: "build: release 1 as Workflow argo/" + workflow(p) + ": admission webhook says no"}}
	if d := cmp.Diff(want, p.Failed); d != "" {
		t.Error(d)
	}
	if !slices.ContainsFunc(w.source.Log(), func(s string) bool { return strings.HasPrefix(s, "other: release 1 is") }) {
		t.Errorf("the commits are %q", w.source.Log())
	}
}

func workflow(p reconcile.Pass) string {
	for _, a := range p.Plan.Actions {
		if b, ok := a.(plan.Build); ok {
			return b.Object.Ref.Name
		}
	}
	return ""
}

// TestEnginesDown has nothing created, deleted or committed while an engine can't be reached (I5, I9).
func TestEnginesDown(t *testing.T) {
	w := newWorld(t, models)
	w.converge()
	commits := len(w.source.Log())
	w.searches.Down, w.cluster.Down = errors.New("connection refused"), errors.New("connection refused")
	w.source.Push("nothing left", map[string][]byte{"models.cue": []byte("package models\n\nmodels: {}\n")})
	w.searches.Writes, w.cluster.Writes = nil, nil
	loop := w.loop()
	for range 3 {
		if p, err := loop.Once(t.Context()); err != nil || p.Done != 0 || len(p.Plan.Actions) != 0 {
			t.Errorf("the plan is\n%s, the error %v", p.Plan, err)
		}
	}
	if n := strings.Count(w.log.String(), "connection refused"); n != 1 {
		t.Errorf("%d lines for engines that are down, not one:\n%s", n, w.log.String())
	}
	if len(w.source.Log()) != commits+1 || len(w.cluster.Writes) != 0 {
		t.Errorf("commits %q, writes %q", w.source.Log(), w.cluster.Writes)
	}
}
