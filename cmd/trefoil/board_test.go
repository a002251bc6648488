package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// searched is a pass in the midst of a search.
func searched() reconcile.Pass {
	m := schema.Model{
		Name:    "mnist",
		Train:   schema.Train{Search: schema.Search{Kind: schema.Random, Matrix: []schema.Dimension{{Name: "lr", Kind: "uniform", Value: "0:1"}}}},
		Select:  schema.Select{Objective: schema.Objective{Metric: "accuracy", Goal: schema.Maximize}},
		Digests: schema.Digests{Search: schema.Digest("v1-" + strings.Repeat("a", 64))},
	}
	x := func(uid string, phase plan.Phase, lr float64, metrics map[string]float64) plan.Experiment {
		return plan.Experiment{UID: strings.Repeat(uid, 32), Phase: phase, Params: map[string]any{"lr": lr}, Metrics: metrics}
	}
	search := plan.Observed{Ref: render.SearchRef(m), Phase: plan.Running, Created: time.Unix(0, 0), Experiments: []plan.Experiment{
		x("1", plan.Succeeded, 0.12345678, map[string]float64{"accuracy": 0.8, "loss": 1}),
		x("2", plan.Running, 0.2, nil),
		x("3", plan.Failed, 0.3, map[string]float64{"accuracy": math.NaN()}),
		x("4", plan.Succeeded, 0.4, map[string]float64{"accuracy": 0.9, "loss": 0.5}),
	}}
	return reconcile.Pass{
		Catalog: schema.Catalog{Models: []schema.Model{m}},
		Live:    plan.Live{Objects: map[render.Ref][]plan.Observed{search.Ref: {search}}},
		Plan:    plan.Plan{Holds: []plan.Hold{{Model: "mnist", Reason: "search running, 3 of 4 experiments"}}},
	}
}

func TestBoard(t *testing.T) {
	want := []string{
		"", "mnist  ███████████████░░░░░  3 of 4 experiments",
		"  44444444  accuracy 0.9     loss 0.5     lr 0.4",
		"  11111111  accuracy 0.8     loss 1       lr 0.1235",
		"  22222222  running  lr 0.2",
		"  33333333  accuracy NaN     lr 0.3",
		"", "mnist: hold: search running, 3 of 4 experiments",
	}
	if got := lines(searched()); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the block is\n%s", strings.Join(got, "\n"))
	}
}

// TestBoardInPipe draws nothing where nobody can see it drawn over.
func TestBoardInPipe(t *testing.T) {
	var out bytes.Buffer
	b := newBoard(&out)
	b.show(searched())
	b.say("done")
	b.close()
	if out.String() != "done\n" {
		t.Errorf("it prints %q", out.String())
	}
}

func TestBoardOnTerminal(t *testing.T) {
	var out bytes.Buffer
	b := &board{out: &out, width: 20}
	b.show(searched())
	b.say("done")
	b.close()
	text := out.String()
	for line := range strings.Lines(text) {
		if len([]rune(strings.TrimRight(line, "\n"))) > 30 { // 20 columns and what moves the cursor
			t.Errorf("too wide: %q", line)
		}
	}
	if strings.Count(text, "\x1b[8A\x1b[J") != 2 || !strings.HasSuffix(text, "\x1b[8A\x1b[J") {
		t.Errorf("it prints %q", text)
	}
}
