package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/internal/signature"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// vouch signs the tip of main anew.
func (f follower) vouch(name string) {
	f.Helper()
	f.vouchFor("main", name)
}

// vouchFor signs the tip of a branch anew.
func (f follower) vouchFor(branch, name string) {
	f.Helper()
	signer, err := signature.NewSigner([]byte(f.key(name)), nil, wallClock())
	if err != nil {
		f.Fatal(err)
	}
	commit := exec.Command("git", "cat-file", "commit", branch)
	commit.Dir = filepath.Join(f.dir, "repo")
	text, err := commit.Output()
	if err != nil {
		f.Fatal(err)
	}
	signed, err := signer.Sign(text, wallClock())
	if err != nil {
		f.Fatal(err)
	}
	f.put("signed", string(signed))
	f.git("-C", "repo", "update-ref", "refs/heads/"+branch, f.git("-C", "repo", "hash-object", "-t", "commit", "-w", "../signed"))
}

// push commits a file as a person does, unsigned.
func (f follower) push(name, text string) {
	f.Helper()
	f.git("-C", "repo", "reset", "-q", "--hard", "main")
	f.put("repo/"+name, text)
	f.git("-C", "repo", "add", ".")
	f.git("-C", "repo", "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-qm", name)
}

const signedModels = `package models

models: mnist: {
	train: {
		image: "python:3.12"
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {random: {experiments: 1, seed: 7}, matrix: lr: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
}
`

// ends has a search that runs end with one experiment.
func ends(o *plan.Observed) {
	if o.Phase != plan.Running {
		return
	}
	o.Phase, o.Ended = plan.Succeeded, wallClock()
	o.Experiments = []plan.Experiment{{
		UID: strings.Repeat("0", 32), Created: o.Created, Ended: o.Ended, Phase: plan.Succeeded, Params: map[string]any{"lr": 0.1},
		Metrics: map[string]float64{"accuracy": 0.9},
	}}
}

// TestTrustedLoop follows a repository whose tip has to be signed, with the real git: what the daemon commits is trusted by itself, what Eve
// pushes is held and told, and goes on when Ada vouches for it.
func TestTrustedLoop(t *testing.T) {
	f := newFollower(t)
	f.trust("ed25519", "rsa") // the daemon's and Ada's
	f.push("models.cue", signedModels)
	f.vouch("rsa")
	searches, cluster := memory.NewEngine(wallClock), memory.NewEngine(wallClock)
	var log bytes.Buffer
	loop := reconcile.New(reconcile.Options{
		Source: f.open(), Searches: searches, Cluster: cluster, Load: schema.Load, Settings: f.config.settings(), Limits: f.config.limits(),
		Holder: "test", Poll: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: wallClock,
	})
	once := func() reconcile.Pass {
		t.Helper()
		pass, err := loop.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		searches.Change(render.Search, ends)
		return pass
	}
	for range 4 {
		once()
	}
	good := once()
	if !strings.Contains(f.git("-C", "repo", "log", "--format=%s", "main"), "mnist: release 1") || good.Untrusted != nil {
		t.Fatalf("untrusted: %v; the log is\n%s", good.Untrusted, log.String())
	}
	f.push("models.cue", "package models\n\nmodels: {}\n")
	held := once()
	status := reconcile.Reporter{Holder: "test", Redact: f.config.redact()}.After(reconcile.Status{}, held, nil, wallClock())
	told := " stays: commit " + f.git("-C", "repo", "rev-parse", "--short=7", "main") + " of Eve <eve@example.com> is not trusted: it is not signed; push"
	if held.Revision != good.Revision || len(status.Waits) == 0 || !strings.Contains(status.Waits[0].Reason, told) || !strings.Contains(log.String(), told) {
		t.Errorf("I4: planned on %s, waits are %+v, the log is\n%s", held.Revision.Short(), status.Waits, log.String())
	}
	f.vouch("rsa")
	if next := once(); next.Untrusted != nil || len(next.Catalog.Models) != 0 || next.Revision == good.Revision {
		t.Errorf("once Ada vouches for it: untrusted %v, %d models", next.Untrusted, len(next.Catalog.Models))
	}
	tree, err := f.open().Fetch(t.Context(), once().Revision)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(tree, "selected/mnist.cue"); err != nil || !bytes.Contains(text, []byte("latest: 1")) {
		t.Errorf("I2: selected/mnist.cue is %s, %v", text, err)
	}
}
