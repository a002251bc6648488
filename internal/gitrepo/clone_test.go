package gitrepo

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// forked is a work tree whose branch feature left main two commits ago, and main has gone on by one.
func forked(t *testing.T) (s *server, work string) {
	s = serve(t, specs())
	work = s.clone(t)
	commit := func(file, message string) {
		write(t, work, map[string]string{file: message})
		runGit(t, work, "add", "-A")
		runGit(t, work, "commit", "-q", "-m", message)
	}
	runGit(t, work, "checkout", "-q", "-b", "feature")
	commit("train/a.py", "a\n\nTrefoil-Approve: rerun")
	commit("train/b.py", "b")
	runGit(t, work, "checkout", "-q", "main")
	commit("train/c.py", "c")
	runGit(t, work, "tag", "-a", "v1", "-m", "v1")
	runGit(t, work, "push", "-q", "origin", "main", "feature", "v1")
	runGit(t, work, "checkout", "-q", "feature")
	return s, work
}

func cloned(t *testing.T, dir string) *Clone {
	t.Helper()
	c, err := OpenClone(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func point(t *testing.T, c *Clone, name string) Point {
	t.Helper()
	p, err := c.Point(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestClonePoint(t *testing.T) {
	_, work := forked(t)
	c := cloned(t, work)
	for _, name := range []string{"main", "feature", "HEAD", "HEAD~1", "origin/main", "refs/heads/main", "v1", "main~1"} {
		want := strings.TrimSpace(runGit(t, work, "rev-parse", name+"^{commit}"))
		if got := point(t, c, name); string(got.Revision) != want {
			t.Errorf("%s is %s, not %s", name, got.Revision, want)
		}
		if got := point(t, c, want[:9]); string(got.Revision) != want {
			t.Errorf("%s is %s, not %s", want[:9], got.Revision, want)
		}
	}
	runGit(t, work, "branch", "-q", "-D", "main")
	if got := point(t, cloned(t, work), "main"); string(got.Revision) != strings.TrimSpace(runGit(t, work, "rev-parse", "origin/main")) {
		t.Errorf("a branch that only origin has is %s", got.Revision)
	}
	for _, name := range []string{"nonsuch", "", "-x", "HEAD~99", "0123456789abcdef0123456789abcdef01234567"} {
		if _, err := c.Point(name); !errors.Is(err, ErrNoRevision) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := c.Point("nonsuch"); !strings.Contains(err.Error(), "there are feature, origin/feature, origin/main") {
		t.Errorf("the branches are not told: %v", err)
	}
}

func TestCloneFork(t *testing.T) {
	_, work := forked(t)
	c := cloned(t, work)
	fork, err := c.Fork(point(t, c, "main"), point(t, c, "feature"))
	if want := strings.TrimSpace(runGit(t, work, "merge-base", "main", "feature")); err != nil || string(fork.Revision) != want {
		t.Errorf("the fork is %s, %v, not %s", fork.Revision, err, want)
	}
	want := []string{"b\n", "a\n\nTrefoil-Approve: rerun\n"}
	if d := cmp.Diff(want, c.Between(point(t, c, "main"), point(t, c, "feature"))); d != "" {
		t.Errorf("messages (-want +got)\n%s", d)
	}
	if before, ok := c.Before(point(t, c, "feature")); !ok || before.Revision != point(t, c, "feature~1").Revision {
		t.Errorf("before feature is %s", before.Revision)
	}
	if _, ok := c.Before(fork); ok {
		t.Error("there is something before the first commit")
	}
	runGit(t, work, "checkout", "-q", "--orphan", "other")
	runGit(t, work, "commit", "-q", "-m", "another history")
	if _, err := c.Fork(point(t, c, "main"), point(t, c, "other")); !errors.Is(err, ErrUnrelated) {
		t.Errorf("two histories: %v", err)
	}
}

// TestCloneShallow is the clone that CI makes unless it is told otherwise.
func TestCloneShallow(t *testing.T) {
	s, _ := forked(t)
	work := filepath.Join(t.TempDir(), "shallow")
	runGit(t, filepath.Dir(work), "clone", "-q", "--depth=1", "--branch=feature", "file://"+s.dir, work)
	c := cloned(t, work)
	if _, err := c.Point("main"); !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "fetch-depth: 0") {
		t.Errorf("the base of a shallow clone: %v", err)
	}
	if _, ok := c.Before(point(t, c, "HEAD")); ok {
		t.Error("there is something before the cut")
	}
	runGit(t, work, "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
	c = cloned(t, work)
	if _, err := c.Fork(point(t, c, "main"), point(t, c, "HEAD")); !errors.Is(err, ErrUnrelated) {
		t.Errorf("the fork in a shallow clone: %v", err)
	}
}

// TestClonePlaces are folders that a Clone may be opened at.
func TestClonePlaces(t *testing.T) {
	_, work := forked(t)
	linked := filepath.Join(t.TempDir(), "linked")
	runGit(t, work, "worktree", "add", "-q", linked, "main")
	if got := point(t, cloned(t, linked), "HEAD"); got.Revision != point(t, cloned(t, work), "main").Revision {
		t.Errorf("the head of a linked work tree is %s", got.Revision)
	}
	sub := point(t, cloned(t, filepath.Join(work, "train")), "feature")
	if _, err := fs.ReadFile(sub.Tree, "a.py"); err != nil {
		t.Errorf("a sub-folder: %v", err)
	}
	write(t, work, map[string]string{"new/models.cue": "package models"})
	if _, err := fs.Stat(point(t, cloned(t, filepath.Join(work, "new")), "feature").Tree, "."); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that was not there yet: %v", err)
	}
	for name, dir := range map[string]string{"no repository": t.TempDir(), "no folder": filepath.Join(work, "nowhere")} {
		if _, err := OpenClone(dir); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	empty := t.TempDir()
	runGit(t, empty, "init", "-q")
	if _, err := cloned(t, empty).Point("HEAD"); !errors.Is(err, ErrNoRevision) {
		t.Errorf("nothing was committed yet: %v", err)
	}
	bare := t.TempDir()
	runGit(t, bare, "init", "-q", "--bare")
	if _, err := OpenClone(bare); err == nil {
		t.Error("a bare repository was opened")
	}
}
