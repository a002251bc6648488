package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// TestCrashes kills a daemon with kill -9 at each of its writes, whatever becomes of the write and of its reply, alone or beside a
// second daemon that takes over at once. After it: each search was started once (I1), each release and image was committed once
// (I2), by fast-forwards (I3), each image was built once, and what git asks for is served (I4, I5).
func TestCrashes(t *testing.T) {
	t.Parallel()
	j := newJudge()
	for _, at := range []string{
		"create Claim", "create Search", "update Claim", "fetch", "commit mnist: release 1, ", "create Workflow", "commit mnist: release 1 is ",
		"create SeldonDeployment", "update SeldonDeployment",
	} {
		for _, m := range []mode{done, lost, delayed, rejected} {
			for daemons := 1; daemons <= 2; daemons++ {
				t.Run(fmt.Sprintf("%s/%s/%d", at, m, daemons), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, "package models\n\nmodels: {}\n")
					w.load = j.load
					crash(t, w, &wire{at: at, mode: m, kills: true}, daemons)
				})
			}
		}
	}
}

// crash has release 1 made and served, then release 2 of a new revision; the daemon at the wire dies on the way. A second one waits
// until then, and goes on beside the first one's successor.
func crash(t *testing.T, w *world, broken *wire, daemons int) {
	loops, waiting := []*reconcile.Loop{w.wired(broken, "one")}, daemons-1
	for revision := 1; revision <= 2; revision++ {
		w.source.Push(fmt.Sprint("revision ", revision), map[string][]byte{"mnist.cue": fmt.Appendf(nil, crashing, revision)})
		for quiet, passes := 0, 0; quiet < 2; passes++ {
			if passes > 60 {
				t.Fatalf("I5: no end after %d passes\n%s", passes, w.log.String())
			}
			quiet++
			for _, loop := range loops {
				p, err := loop.Once(t.Context())
				if broken.alive() == nil && (err != nil || len(p.Plan.Actions) > 0 || strings.Contains(p.Plan.String(), "not confirmed")) {
					quiet = 0
				}
			}
			if broken.alive() != nil {
				loops = w.succeed(t, broken, waiting)
				broken, quiet = &wire{}, 0
			}
			w.advance()
		}
	}
	if broken.at != "" {
		t.Fatalf("the daemon never came to %q", broken.at)
	}
	w.counted(t)
}

// succeed are the daemons after a death: the one that waited has made its first pass before what was under way arrives.
func (w *world) succeed(t *testing.T, dead *wire, waiting int) []*reconcile.Loop {
	w.now = w.now.Add(20 * time.Second)
	var loops []*reconcile.Loop
	for range waiting {
		loop := w.wired(&wire{}, "two")
		if _, err := loop.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		loops = append(loops, loop)
	}
	dead.arrive()
	return append(loops, w.wired(&wire{}, "one again"))
}

const crashing = `package models

models: mnist: {
	train: {
		image: "python:3.12", revision: %d
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {random: {experiments: 3, seed: 7}, matrix: lr: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {image: "registry.example/mnist", source: path: "serve"}
	serve: staging: namespace: "ml-staging"
}
`

// counted counts what was done for two releases.
func (w *world) counted(t *testing.T) {
	created := map[string]int{}
	for _, what := range slices.Concat(w.searches.Writes, w.cluster.Writes) {
		if strings.HasPrefix(what, "create ") {
			created[what]++
		}
	}
	kinds := map[string]int{}
	for what, n := range created {
		kinds[strings.Fields(what)[1]]++
		if n > 1 {
			t.Errorf("I1: %s %d times", what, n)
		}
	}
	if kinds["Search"] != 2 || kinds["Workflow"] != 2 || kinds["SeldonDeployment"] != 1 {
		t.Errorf("created were %v", created)
	}
	var ours []string
	for _, subject := range w.source.Log() {
		if strings.HasPrefix(subject, "mnist: ") {
			ours = append(ours, strings.Join(strings.Fields(subject)[1:4], " "))
		}
	}
	if got := strings.Join(ours, "; "); got != "release 1, experiment; release 1 is; release 2, experiment; release 2 is" {
		t.Errorf("I2: the commits are %s", got)
	}
	live, err := w.cluster.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served := live.Objects[render.Ref{Kind: render.SeldonDeployment, Namespace: "ml-staging", Name: "mnist"}]
	if len(served) != 1 || served[0].Release != 2 || served[0].Phase != plan.Succeeded {
		t.Errorf("I5: served is %+v", served)
	}
}
