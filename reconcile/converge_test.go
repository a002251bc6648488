package reconcile_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestMain has `go test` make some histories only; `make histories`, and so CI, makes 10,000. Tests run side by side and read the flag,
// so that none of them can set it.
func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("15"); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// TestConverges lets people edit, engines work and fail, writes and replies get lost and processes die in any order, with one daemon
// or two. The checks at each step are in invariants_test.go. Once the faults stop, and people have done what the holds ask them for,
// the state is the one that git asks for within five quiet passes (I5).
func TestConverges(t *testing.T) {
	t.Parallel()
	for _, half := range []string{"one half", "other half"} {
		t.Run(half, func(t *testing.T) {
			t.Parallel()
			j := newJudge()
			rapid.Check(t, func(t *rapid.T) { newHistory(t, j).run(t) })
		})
	}
}

// history is a world in which people change their minds and nothing is reliable.
type history struct {
	*world
	people people
	fresh  int // revisions that were asked for beyond the usual ones
	before map[string]schema.Selected
	wires  []*wire
	// fates are what becomes of what runs until the next pass, by kind.
	fates    map[render.Kind]string
	moved    bool              // something in the engines went on since the last pass
	held     map[string]bool   // uids of what the fuse held
	moves    map[string]string // names by what they were before, of models that took their releases along
	tampered bool              // people made or deleted runs past us, so that they are no measure any more
	failing  string            // the model about which every write fails
	started  []time.Time
	passes   int
}

func newHistory(t *rapid.T, j *judge) *history {
	h := &history{world: newWorld(t, "package models\n\nmodels: {}\n"), people: begin(), moves: map[string]string{}, held: map[string]bool{}}
	h.load, h.ask = j.load, h.answer
	h.limits = plan.Limits{Deletions: rapid.IntRange(1, 5).Draw(t, "deletions"), ExperimentsPerHour: rapid.SampledFrom([]int{3, 7, 200}).Draw(t, "experiments"),
		CommitsPerHour: 20}
	for range rapid.IntRange(1, 2).Draw(t, "daemons") {
		h.wires = append(h.wires, &wire{})
	}
	h.push("start")
	return h
}

func (h *history) run(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "from nothing") > 0 {
		h.settle()
	}
	steps := []func(*rapid.T){h.edit, h.edit, h.days, h.days, h.crash, h.crash, h.race, h.rename, h.meddle}
	for range rapid.IntRange(1, 8).Draw(t, "steps") {
		rapid.SampledFrom(steps).Draw(t, "step")(t)
		h.check()
	}
	h.stubborn(t)
	h.settle()
}

// days lets passes and the engines take turns.
func (h *history) days(t *rapid.T) {
	h.fates = map[render.Kind]string{
		render.Search:           rapid.SampledFrom([]string{"good", "good", "slow", "half", "failed", "nan", "stopped"}).Draw(t, "searches"),
		render.Workflow:         rapid.SampledFrom([]string{"good", "good", "slow", "failed"}).Draw(t, "builds"),
		render.SeldonDeployment: rapid.SampledFrom([]string{"good", "good", "slow", "failed"}).Draw(t, "roll-outs"),
		answers:                 rapid.SampledFrom([]string{"good", "good", "wrong", "none", "another's"}).Draw(t, "answers"),
	}
	for range rapid.IntRange(1, 4).Draw(t, "days") {
		h.day()
	}
}

// day is a pass of each daemon, in turn, each by a process that was just started. What they did goes on in the engines then.
func (h *history) day() []reconcile.Pass {
	var passes []reconcile.Pass
	for i, w := range h.wires {
		searches, cluster := len(h.searches.Writes), len(h.cluster.Writes)
		p, err := h.wired(w, fmt.Sprint("daemon ", i)).Once(h.Context())
		if err != nil && w.alive() == nil {
			h.Fatal(err)
		}
		if err == nil {
			h.passed(p, fmt.Sprint("daemon ", i), slices.Concat(h.searches.Writes[searches:], h.cluster.Writes[cluster:]))
		}
		passes = append(passes, p)
		if w.alive() != nil {
			h.wires[i] = &wire{late: w.late}
		}
	}
	h.advance()
	return passes
}

// crash breaks a write of one daemon, or all writes of a kind, and may kill it there.
func (h *history) crash(t *rapid.T) {
	h.fates = nil
	w := rapid.SampledFrom(h.wires).Draw(t, "daemon")
	w.at = rapid.SampledFrom([]string{
		"create Search", "create Claim", "update Claim", "create Workflow", "create SeldonDeployment", "update SeldonDeployment", "fetch", "remove", "commit",
	}).Draw(t, "breaks")
	w.mode = rapid.SampledFrom([]mode{done, lost, delayed, rejected}).Draw(t, "mode")
	w.kills, w.all = rapid.Bool().Draw(t, "kills"), rapid.Bool().Draw(t, "all of them")
	h.day()
	for _, w := range h.wires {
		w.at = ""
	}
	h.day()
	for _, w := range h.wires {
		w.arrive()
	}
}

// race lets a person push while the next commit is made.
func (h *history) race(*rapid.T) {
	h.source.Race = func() { h.push("in between") }
}

// meddle is what people do past git.
func (h *history) meddle(t *rapid.T) {
	victim := rapid.SampledFrom(names(h.people)).Draw(t, "of model")
	of := func(kind render.Kind) func(plan.Observed) bool {
		return func(o plan.Observed) bool { return o.Ref.Kind == kind && o.Model == victim }
	}
	switch rapid.SampledFrom([]string{"delete deployment", "edit deployment", "delete build", "delete run", "stop run", "double run", "edit build"}).Draw(t, "meddle") {
	case "delete deployment":
		h.cluster.Delete(of(render.SeldonDeployment))
	case "edit deployment":
		h.change(h.cluster.Change, of(render.SeldonDeployment), func(o *plan.Observed) { o.Digest = "" })
	case "delete build":
		h.cluster.Delete(of(render.Workflow))
	case "delete run":
		h.tampered = true
		h.searches.Delete(of(render.Search))
	case "stop run":
		h.change(h.searches.Change, of(render.Search), func(o *plan.Observed) {
			if o.Phase == plan.Running {
				o.Phase, o.Ended = plan.Stopped, h.now
			}
		})
	case "double run":
		h.double(victim)
	case "edit build":
		h.change(h.cluster.Change, of(render.Workflow), func(o *plan.Observed) { o.Image = strings.Replace(o.Image, "registry", "evil", 1) })
	}
}

func (h *history) change(all func(render.Kind, func(*plan.Observed)), wanted func(plan.Observed) bool, do func(*plan.Observed)) {
	for _, kind := range []render.Kind{render.Search, render.Workflow, render.SeldonDeployment} {
		all(kind, func(o *plan.Observed) {
			if wanted(*o) {
				do(o)
			}
		})
	}
}

// double is a create that arrives very late, of a search that runs by now.
func (h *history) double(model string) {
	for _, m := range h.catalog().Models {
		if m.Name != model {
			continue
		}
		for _, o := range h.live(h.searches.Observe) {
			if o.Model == model && o.Digest == m.Digests.Search && o.Phase == plan.Running {
				h.searches.Double(render.NewSearch(m, h.loop().Settings, ""))
				h.tampered = true
				return
			}
		}
	}
}

// advance lets the engines do their work, for better or worse.
func (h *history) advance() {
	h.now = h.now.Add(20 * time.Second) // so that a late write arrives while its create is looked up
	h.moved = false
	h.cluster.End()
	h.cluster.Lingers = h.fates[render.SeldonDeployment] == "slow"
	h.searches.Change(render.Search, h.train)
	h.cluster.Change(render.Workflow, h.build)
	h.cluster.Change(render.SeldonDeployment, h.rollOut)
}

func (h *history) train(o *plan.Observed) {
	fate := h.fates[render.Search]
	if o.Phase != plan.Running || fate == "slow" {
		return
	}
	h.moved, o.Ended = true, h.now
	if o.Phase = plan.Succeeded; fate == "stopped" {
		o.Phase = plan.Stopped
	}
	for i, accuracy := range []float64{0.8, 0.95, 0.9} {
		e := plan.Experiment{
			UID: fmt.Sprintf("%s%024d", o.UID[24:], i), Created: o.Created, Ended: h.now, Phase: plan.Succeeded,
			Params: map[string]any{"lr": 0.1}, Metrics: map[string]float64{"accuracy": accuracy},
		}
		switch {
		case fate == "failed", fate == "half" && i == 1:
			e.Phase = plan.Failed
		case fate == "nan":
			e.Metrics["accuracy"] = math.NaN()
		}
		o.Experiments = append(o.Experiments, e)
	}
}

func (h *history) build(o *plan.Observed) {
	fate := h.fates[render.Workflow]
	if o.Phase != plan.Running || fate == "slow" {
		return
	}
	h.moved, o.Ended = true, h.now
	if o.Phase = plan.Failed; fate != "failed" {
		o.Phase, o.Image = plan.Succeeded, "registry.example/any@sha256:"+strings.TrimPrefix(string(o.Digest), "v1-")
	}
}

func (h *history) rollOut(o *plan.Observed) {
	now := map[string]plan.Phase{"slow": o.Phase, "failed": plan.Failed}[h.fates[render.SeldonDeployment]]
	if now == "" {
		now = plan.Succeeded
	}
	h.moved = h.moved || o.Phase != now
	o.Phase = now
}

// stubborn has every write about one model fail for a while: the others come to rest all the same (I10).
func (h *history) stubborn(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "one model fails") > 0 {
		return
	}
	h.fates = nil
	h.failing = rapid.SampledFrom(names(h.people)).Draw(t, "failing")
	for _, w := range h.wires {
		w.about = h.failing
	}
	h.settle()
	h.failing = ""
	for _, w := range h.wires {
		w.about = ""
	}
}
