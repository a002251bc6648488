package gitrepo

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const oneModel = `package models

models: mnist: {
	train: {
		image:   "registry.example/train:1"
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {random: {experiments: 1, seed: 7}, matrix: lr: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {image: "registry.example/mnist", source: path: "serve"}
	serve: staging: namespace: "ml-staging"
}
`

// followed is a loop that follows a real server, with engines in memory.
type followed struct {
	*testing.T
	*server
	loop              *reconcile.Loop
	searches, cluster *memory.Engine
	log               strings.Builder
}

func follow(t *testing.T) *followed {
	now := func() time.Time { return time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC) }
	f := &followed{T: t, server: serve(t, map[string]string{"models.cue": oneModel, "serve/Model.py": "class Model: pass\n"})}
	f.searches, f.cluster = memory.NewEngine(now), memory.NewEngine(now)
	f.loop = reconcile.New(reconcile.Options{
		Source: open(t, options(f.url)), Searches: f.searches, Cluster: f.cluster, Load: schema.Load,
		Settings: render.Settings{Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}},
		Limits:   plan.Limits{Deletions: 5, ExperimentsPerHour: 200, CommitsPerHour: 20}, Holder: "test", Poll: time.Second,
		Log: slog.New(slog.NewTextHandler(&f.log, nil)), Now: now,
	})
	return f
}

// until makes passes, and lets the engines work, until the branch has a commit with that subject.
func (f *followed) until(subject string) {
	f.Helper()
	for range 10 {
		if strings.Contains(runGit(f, f.dir, "log", "--format=%s", "main"), subject) {
			return
		}
		f.pass()
	}
	f.Fatalf("no commit %q after ten passes:\n%s", subject, f.log.String())
}

func (f *followed) pass() reconcile.Pass {
	f.Helper()
	p, err := f.loop.Once(aMinute(f))
	if err != nil {
		f.Fatal(err)
	}
	f.searches.Change(render.Search, func(o *plan.Observed) {
		if o.Phase == plan.Running {
			o.Phase, o.Ended = plan.Succeeded, o.Created
			o.Experiments = []plan.Experiment{{
				UID: fmt.Sprintf("%s%016d", o.UID[16:], 1), Created: o.Created, Ended: o.Created, Phase: plan.Succeeded,
				Params: map[string]any{"lr": 0.1}, Metrics: map[string]float64{"accuracy": 0.9},
			}}
		}
	})
	f.cluster.Change(render.Workflow, func(o *plan.Observed) {
		o.Phase, o.Image = plan.Succeeded, "registry.example/mnist@sha256:"+strings.TrimPrefix(string(o.Digest), "v1-")
	})
	return p
}

// before has a person push between the daemon's look and its next push.
func (f *followed) before(edit func(work string)) {
	var once sync.Once
	f.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasSuffix(r.URL.Path, "/info/refs") && r.URL.Query().Get("service") == "git-receive-pack" {
			once.Do(func() {
				work := f.clone(f)
				edit(work)
				f.publish(f, work, "a person's")
			})
		}
		next.ServeHTTP(w, r)
	})
}

// TestFault9PersonEdits: while the daemon is about to record an image, a person edits the very file that it goes into. What the person wrote
// stays, and the image is recorded upon it, in the same pass (I2).
func TestFault9PersonEdits(t *testing.T) {
	f := follow(t)
	f.until("mnist: release 1, experiment ")
	f.pass() // creates the Workflow
	const note = "// this release is good, says Ada"
	f.before(func(work string) {
		text := runGit(f, work, "show", "HEAD:selected/mnist.cue")
		write(f, work, map[string]string{"selected/mnist.cue": strings.Replace(text, "package models", "package models\n\n"+note, 1) + "\n"})
	})
	f.pass()
	f.until("mnist: release 1 is registry.example/mnist@sha256:")
	text := runGit(t, f.dir, "show", "main:selected/mnist.cue")
	if !strings.Contains(text, note) || !strings.Contains(text, "@sha256:") {
		t.Errorf("the file is\n%s", text)
	}
	subjects := strings.Split(runGit(t, f.dir, "log", "--format=%s", "main"), "\n")
	if len(subjects) != 4 || subjects[1] != "a person's" || !strings.HasPrefix(subjects[0], "mnist: release 1 is ") {
		t.Errorf("commits are %q", subjects)
	}
}

// TestFault9PersonRemoves: a person takes the only release out while its image is about to be recorded. It does not come back by itself: the
// model is held, and what to do is said (I2).
func TestFault9PersonRemoves(t *testing.T) {
	f := follow(t)
	f.until("mnist: release 1, experiment ")
	f.pass() // creates the Workflow
	f.before(func(work string) {
		write(f, work, map[string]string{"selected/mnist.cue": "package models\n\nselected: mnist: {\n\tlatest: 0\n\tlast:   1\n\treleases: {}\n}\n"})
	})
	for range 3 {
		f.pass()
	}
	if log := runGit(t, f.dir, "log", "--format=%s", "main"); !strings.HasPrefix(log, "a person's\n") {
		t.Errorf("what a person took out was recorded again:\n%s", log)
	}
	if want := "mnist: hold: selected/mnist.cue:5:10: error TRF0602: numbers up to 1 were given, but no release is there"; !strings.Contains(f.log.String(), want) {
		t.Errorf("nobody says %q:\n%s", want, f.log.String())
	}
}
