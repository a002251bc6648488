package main

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
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
