package main

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/internal/signature"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// follower is a daemon's repository, with a key and a list of its own that a test may change.
type follower struct {
	*testing.T
	config config
	dir    string
}

func newFollower(t *testing.T) follower {
	f := follower{t, defaults(), t.TempDir()}
	f.config.Repository.Signing = signingConfig{KeyFile: filepath.Join(f.dir, "key"), PassphraseFile: filepath.Join(f.dir, "passphrase")}
	f.config.Repository.URL = "file://" + filepath.Join(f.dir, "repo")
	f.put("passphrase", "correct horse\n")
	f.use("ed25519")
	f.git("init", "-q", "-b", "main", "repo")
	f.git("-C", "repo", "config", "receive.denyCurrentBranch", "ignore")
	f.put("repo/models.cue", "package models\n")
	f.git("-C", "repo", "add", ".")
	f.git("-C", "repo", "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-qm", "first")
	return f
}

func (f follower) git(args ...string) string {
	f.Helper()
	command := exec.Command("git", args...)
	command.Dir = f.dir
	out, err := command.CombinedOutput()
	if err != nil {
		f.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (f follower) put(name, text string) {
	f.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
}

func (f follower) key(name string) string {
	f.Helper()
	text, err := os.ReadFile(filepath.Join("../../internal/signature/testdata/keys", name))
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}

// use puts a key in the place of the one that signs.
func (f follower) use(name string) { f.put("key", f.key(name)) }

// trust makes the list of those whose commits count.
func (f *follower) trust(names ...string) {
	text := ""
	for _, name := range names {
		text += name + "@example.com " + f.key(name+".pub")
	}
	f.put("allowed", text)
	f.config.Repository.Trust.AllowedSignersFile = filepath.Join(f.dir, "allowed")
}

func (f follower) open() *gitrepo.Repo {
	f.Helper()
	sign, err := f.config.sign(slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	repo, err := f.config.open(sign)
	if err != nil {
		f.Fatal(err)
	}
	return repo
}

// commit puts a release on the tip.
func (f follower) commit(repo *gitrepo.Repo, text string) (plan.Revision, error) {
	f.Helper()
	tip, err := repo.Tip(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return repo.Commit(f.Context(), tip, reconcile.Edit{
		Message: "mnist: release 1\n", Date: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC), Files: map[string][]byte{"selected/mnist.cue": []byte(text)},
	})
}

// TestSigningKeyChanges signs with the key that is in the file by then: a new one is used without a restart, and without one nothing is
// pushed.
func TestSigningKeyChanges(t *testing.T) {
	f := newFollower(t)
	repo := f.open()
	for _, name := range []string{"ed25519", "rsa", "locked"} {
		f.use(name)
		made, err := f.commit(repo, name)
		if err != nil {
			t.Fatal(err)
		}
		f.trust(name)
		if _, err := f.open().Fetch(t.Context(), made); err != nil {
			t.Errorf("signed with %s: %v", name, err)
		}
	}
	before := f.git("-C", "repo", "rev-parse", "main")
	for _, bad := range []string{"", "nonsense", f.key("ecdsa"), f.key("ed25519.pub")} {
		f.put("key", bad)
		if made, err := f.commit(repo, "bad"); err == nil || !strings.Contains(err.Error(), "nothing is committed without a signature: repository.signing.keyFile: ") {
			t.Errorf("%s, %v", made, err)
		}
	}
	if after := f.git("-C", "repo", "rev-parse", "main"); after != before {
		t.Errorf("the branch moved from %s to %s", before, after)
	}
}

// TestTrustChanges judges by the list that is in the file by then: who was taken out of it counts no more, and a list that can't be read lets
// nobody through.
func TestTrustChanges(t *testing.T) {
	f := newFollower(t)
	f.trust("ed25519", "rsa")
	repo := f.open()
	if _, err := f.commit(repo, "x"); !errors.Is(err, reconcile.ErrUntrusted) {
		t.Errorf("on what Eve has pushed: %v", err)
	}
	signing := f
	signing.config.Repository.Trust = trustConfig{}
	made, err := signing.commit(signing.open(), "x")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		list func()
		says string // "" where it is trusted
	}{
		{func() {}, ""},
		{func() { f.trust("rsa") }, "the key that signed it is not in the list"},
		{func() { f.put("allowed", "") }, "repository.trust.allowedSignersFile: "},
		{func() { f.put("allowed", "nonsense") }, "repository.trust: allowed signers: line 1"},
		{func() { f.trust("ed25519") }, ""},
	} {
		c.list()
		_, err := repo.Fetch(t.Context(), made)
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, reconcile.ErrUntrusted) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%d: %v; want %q", i, err, c.says)
		}
	}
}

// vouch signs the tip anew.
func (f follower) vouch(name string) {
	f.Helper()
	signer, err := signature.NewSigner([]byte(f.key(name)), nil, wallClock())
	if err != nil {
		f.Fatal(err)
	}
	commit := exec.Command("git", "cat-file", "commit", "main")
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
	f.git("-C", "repo", "update-ref", "refs/heads/main", f.git("-C", "repo", "hash-object", "-t", "commit", "-w", "../signed"))
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
		searches.Change(render.Search, func(o *plan.Observed) {
			if o.Phase == plan.Running {
				o.Phase, o.Ended = plan.Succeeded, wallClock()
				o.Experiments = []plan.Experiment{{
					UID: strings.Repeat("0", 32), Created: o.Created, Ended: o.Ended, Phase: plan.Succeeded, Params: map[string]any{"lr": 0.1},
					Metrics: map[string]float64{"accuracy": 0.9},
				}}
			}
		})
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
