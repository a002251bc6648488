package local

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/enginetest"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	repository = "file:///models"
	commit     = "1111111111111111111111111111111111111111"
)

// fresh is an engine in a folder of its own that nobody works in yet.
func fresh(t *testing.T, source fs.FS) *Engine {
	t.Helper()
	return open(t, t.TempDir(), source)
}

func open(t *testing.T, dir string, source fs.FS) *Engine {
	t.Helper()
	return New(Options{
		Dir: dir, Cache: t.TempDir(), Repository: repository, Poke: func() {}, Log: slog.New(slog.DiscardHandler),
		Source: func(context.Context, string) (fs.FS, error) { return source, nil },
	})
}

// run lets the engine work until the test ends, or stop is called.
func run(t *testing.T, e *Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := e.Start(ctx, 0); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func TestCluster(t *testing.T) {
	enginetest.Cluster(t, anew)
}

// anew is a folder.
func anew(t *testing.T) func() reconcile.Engine {
	dir := t.TempDir()
	return func() reconcile.Engine { return open(t, dir, nil) }
}

func TestSearches(t *testing.T) {
	enginetest.Searches(t, anew)
}

// trainer is a model whose experiments run a shell script, one for each value of x.
func trainer(script string, points ...any) schema.Model {
	m := schema.Model{
		Name: "m",
		Train: schema.Train{
			Image: "none", Command: []string{"sh", "-c", script, "sh", "{{ x }}"}, Artifact: "model.dat",
			Search: schema.Search{Kind: schema.Mapping, Concurrency: 2, Experiments: len(points)},
		},
		Select:  schema.Select{Objective: schema.Objective{Metric: "score", Goal: schema.Maximize}},
		Digests: schema.Digests{Search: schema.Digest("v1-" + strings.Repeat("a", 64))},
	}
	for _, p := range points {
		m.Train.Search.Mapping = append(m.Train.Search.Mapping, []schema.Param{{Name: "x", Value: p}})
	}
	return m
}

// submit creates the search of a model.
func submit(t *testing.T, e *Engine, m schema.Model) render.Ref {
	t.Helper()
	o := render.NewSearch(m, render.Settings{Repository: repository, Path: ".", Owner: "r-0"}, commit)
	if err := e.Apply(t.Context(), o, ""); err != nil {
		t.Fatal(err)
	}
	return o.Ref
}

// await observes until the object is as wanted.
func await(t *testing.T, e *Engine, ref render.Ref, want func(plan.Observed) bool) plan.Observed {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		live, err := e.Observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := live.Objects[ref]
		switch {
		case len(all) == 1 && want(all[0]):
			return all[0]
		case time.Now().After(end):
			t.Fatalf("%s is %+v", ref, all)
		}
	}
}

// eventually waits for what takes a moment.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute: " + what)
		}
	}
}

func ended(o plan.Observed) bool { return o.Phase != plan.Running }

const score = `echo "{\"score\": $1}" >$TREFOIL_METRICS_FILE; `

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		name, script string
		phases       string // of the experiments
		message      string // a part of it; of the search
		metrics      []float64
	}{
		{"all is well", score + `echo $1 >$POLYAXON_RUN_OUTPUTS_PATH/model.dat`, "Succeeded Succeeded", "", []float64{1, 2}},
		{"no metric", `echo working hard`, "Succeeded Succeeded", "/log.txt ends: working hard", nil},
		{"a failure", `echo first; echo "no such file" >&2; exit 3`, "Failed Failed", "ends: first | no such file", nil},
		{"one failure", score + `test $1 = 2`, "Failed Succeeded", "1 of 2 experiments came to nothing", []float64{1, 2}},
		{"killed", `kill -9 $$`, "Failed Failed", "ended by signal 9", nil},
		{"not a number", `echo '{"score": NaN}' >$TREFOIL_METRICS_FILE`, "Succeeded Succeeded", "the first is experiment ", nil},
		{"a child is left behind", score + `sleep 600 & echo left`, "Succeeded Succeeded", "", []float64{1, 2}},
		{"no such command", `exec nonsense-of-ours`, "Failed Failed", "nonsense-of-ours", nil},
		{"garbled metrics", `echo '{"score": ' >$TREFOIL_METRICS_FILE`, "Succeeded Succeeded", "no metric", nil},
		{"later lines win", `echo '{"score": 7, "text": "x"}' >$TREFOIL_METRICS_FILE;` + `echo "{\"score\": $1}" >>$TREFOIL_METRICS_FILE`, "Succeeded Succeeded", "", []float64{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := fresh(t, nil)
			run(t, e)
			o := await(t, e, submit(t, e, trainer(c.script, int64(1), int64(2))), ended)
			var phases []string
			for i, x := range o.Experiments {
				phases = append(phases, string(x.Phase))
				if v := x.Metrics["score"]; c.metrics != nil && v != c.metrics[i] {
					t.Errorf("experiment %d has score %v", i, v)
				}
			}
			if o.Phase != plan.Succeeded || strings.Join(phases, " ") != c.phases || !strings.Contains(o.Message, c.message) || (c.message == "") != (o.Message == "") {
				t.Errorf("%s, %v, %q", o.Phase, phases, o.Message)
			}
			if all := marked(e.mark("")); len(all) > 0 {
				t.Errorf("processes %v are left", all)
			}
		})
	}
}

func TestStop(t *testing.T) {
	e := fresh(t, nil)
	run(t, e)
	ref := submit(t, e, trainer(`trap '' TERM; echo ready >$POLYAXON_RUN_OUTPUTS_PATH/ready; while :; do sleep 0.1; done`, int64(1), int64(2), int64(3)))
	began := await(t, e, ref, func(o plan.Observed) bool { return len(marked(e.mark(""))) >= 2 })
	if err := e.Remove(t.Context(), ref, began.UID, began.Seen); err != nil {
		t.Fatal(err)
	}
	o := await(t, e, ref, ended)
	for _, x := range o.Experiments {
		if x.Phase != plan.Stopped {
			t.Errorf("an experiment of the stopped search is %s", x.Phase)
		}
	}
	if o.Phase != plan.Stopped || len(marked(e.mark(""))) > 0 {
		t.Errorf("%s, %v are left", o.Phase, marked(e.mark("")))
	}
}

// TestRestart ends an engine in the midst of a search: the next one runs what had not ended, and nothing else, once.
func TestRestart(t *testing.T) {
	dir, count := t.TempDir(), filepath.Join(t.TempDir(), "count")
	script := score + `echo $1 >>` + count + `; test $1 = 1 || test -e ` + count + `.go || sleep 600`
	first := open(t, dir, nil)
	stop := run(t, first)
	ref := submit(t, first, trainer(script, int64(1), int64(2), int64(3)))
	await(t, first, ref, func(o plan.Observed) bool {
		text, _ := os.ReadFile(count) // not there yet
		return o.Experiments[0].Phase == plan.Succeeded && strings.Count(string(text), "\n") == 3
	})
	stop()
	if err := os.WriteFile(count+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir, nil)
	run(t, second)
	o := await(t, second, ref, ended)
	text, err := os.ReadFile(count)
	if err != nil || o.Phase != plan.Succeeded || strings.Count(string(text), "1") != 1 || strings.Count(string(text), "\n") != 5 {
		t.Errorf("%+v after runs of %q, %v", o, text, err)
	}
}

func TestLogIsCapped(t *testing.T) {
	e := fresh(t, nil)
	run(t, e)
	o := await(t, e, submit(t, e, trainer(`yes | head -c 20000000; echo last; exit 1`, int64(1))), ended)
	x, err := e.find(o.Experiments[0].UID)
	if err != nil {
		t.Fatal(err)
	}
	about, err := os.Stat(x.log())
	if err != nil || about.Size() > largestLog+100 || !strings.Contains(o.Message, "last") {
		t.Errorf("%v bytes, %v; %s", about.Size(), err, o.Message)
	}
}

var served = fstest.MapFS{
	"serve/M.py":             {Data: []byte("class M: pass\n")},
	"serve/.s2i/environment": {Data: []byte("MODEL_NAME=M\nSERVICE_TYPE=MODEL\nX = y\n# no\nnothing\n")},
}
