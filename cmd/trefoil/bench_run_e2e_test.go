//go:build e2e

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkRun has the built `trefoil run` follow a repository with 10,000 models, each in a file of its own, over http; the engines
// refuse everything but the Lease. It tells how long it takes until it plans on the first commit, and on one that edits a model; the kilobytes of
// objects that the server sends for each; the peak of resident memory of the daemon and of the process that evaluates; and beside
// that what `git clone --depth 1` is sent and takes.
func BenchmarkRun(b *testing.B) {
	trefoil := filepath.Join(b.TempDir(), "trefoil")
	run(b, "../..", nil, "go", "build", "-o", trefoil, "./cmd/trefoil")
	const models = 10_000 // the most that there may be
	r := newFleet(b, trefoil, models)
	gitPeak, gitSent := r.clone(b), r.sent.Swap(0)
	d := followBare(b, trefoil, r.url)
	begun := time.Now()
	d.await(b, r.tip, models)
	first, firstSent := time.Since(begun), r.sent.Swap(0)
	edits, took := 0, time.Duration(0)
	for b.Loop() {
		edits++
		r.edit(b, edits)
		begun = time.Now()
		d.await(b, r.tip, models)
		took += time.Since(begun)
	}
	daemon, child := d.peaks()
	for name, value := range map[string]float64{
		"ns/op":  0, // it is told by phase
		"git-kB": float64(gitSent) / 1000, "git-MB": float64(gitPeak) / 1e6,
		"first-s": first.Seconds(), "first-kB": float64(firstSent) / 1000,
		"edit-s": took.Seconds() / float64(edits), "edit-kB": float64(r.sent.Load()) / 1000 / float64(edits),
		"daemon-MB": float64(daemon) / 1e6, "child-MB": float64(child) / 1e6,
	} {
		b.ReportMetric(value, name)
	}
}

// remoteFleet is a spec repository behind git's own http server.
type remoteFleet struct {
	work, url string
	tip       string       // of the branch, shortened as in the log
	sent      atomic.Int64 // bytes of objects
}

// newFleet has n models, as short as one can be that is searched for, packaged and served, in what `trefoil init` begins.
func newFleet(b *testing.B, trefoil string, n int) *remoteFleet {
	root := b.TempDir()
	r := &remoteFleet{work: filepath.Join(root, "models")}
	run(b, ".", nil, trefoil, "init", r.work)
	if err := os.Remove(filepath.Join(r.work, "models.cue")); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		r.write(b, i, 0)
	}
	bare := filepath.Join(root, "models.git")
	run(b, root, nil, "git", "init", "-q", "--bare", "-b", "main", bare)
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"remote", "add", "origin", bare}, {"config", "gc.auto", "0"}} {
		run(b, r.work, nil, "git", args...)
	}
	r.publish(b)
	path, err := exec.CommandContext(b.Context(), "git", "--exec-path").Output()
	if err != nil {
		b.Fatal(err)
	}
	backend := &cgi.Handler{
		Path:   filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"),
		Stderr: io.Discard, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost { // what lists is answered all the time
			w = counted{w, &r.sent}
		}
		backend.ServeHTTP(w, q)
	}))
	b.Cleanup(server.Close)
	r.url = server.URL + "/models.git"
	return r
}

// counted counts the bytes of an answer.
type counted struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.sent.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

func (r *remoteFleet) write(b *testing.B, i, edit int) {
	text := strings.NewReplacer("NAME", fmt.Sprintf("m%d", i), "EDIT", fmt.Sprint(edit)).Replace(shortModel)
	if err := os.WriteFile(filepath.Join(r.work, fmt.Sprintf("m%d.cue", i)), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

const shortModel = `package models

models: NAME: {
	owner: "vision@example.com"
	labels: edit: "EDIT"
	train: {
		image: "registry.example/mnist-train:1"
		source: path: "train"
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {
			random: {experiments: 5, seed: 7}
			matrix: lr: linspace: "0.001:0.1:5"
		}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {
		image: "registry.example/NAME"
		source: path: "serve"
		builder: s2i: image: "seldonio/seldon-core-s2i-python3:1.17.1"
	}
	serve: production: namespace: "ml"
}
`

// edit changes a model and pushes that.
func (r *remoteFleet) edit(b *testing.B, n int) {
	r.write(b, n, n)
	r.publish(b)
}

func (r *remoteFleet) publish(b *testing.B) {
	for _, args := range [][]string{{"add", "-A"}, {"-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "models"}, {"push", "-q", "origin", "main"}} {
		run(b, r.work, nil, "git", args...)
	}
	tip, err := exec.CommandContext(b.Context(), "git", "-C", r.work, "rev-parse", "--short=7", "HEAD").Output()
	if err != nil {
		b.Fatal(err)
	}
	r.tip = strings.TrimSpace(string(tip))
}

// clone has git make a shallow clone, and returns the peak of its resident memory in bytes.
func (r *remoteFleet) clone(b *testing.B) int64 {
	command := exec.CommandContext(b.Context(), "git", "clone", "-q", "--bare", "--depth", "1", r.url, filepath.Join(b.TempDir(), "clone.git"))
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("git clone: %v\n%s", err, out)
	}
	usage, _ := command.ProcessState.SysUsage().(*syscall.Rusage)
	return usage.Maxrss << 10
}
