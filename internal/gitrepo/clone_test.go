package gitrepo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
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
	runGit(t, work, "checkout", "-q", "main")
	runGit(t, work, "merge", "-q", "--no-ff", "-m", "merge", "feature")
	runGit(t, work, "tag", "-a", "v2", "-m", "a tag of a tag", "v1")
	runGit(t, work, "branch", "face", "HEAD~1") // four digits, and a branch all the same
	runGit(t, work, "fetch", "-q", "origin", "feature")
	runGit(t, work, "remote", "set-head", "origin", "main")
	for _, packed := range []bool{false, true} {
		if packed {
			runGit(t, work, "gc", "-q")
		}
		c := cloned(t, work)
		for name := range strings.FieldsSeq(`main feature HEAD @
			HEAD~1 HEAD~ HEAD^ HEAD^1 HEAD^2 HEAD^2~1 HEAD^^ HEAD~0 HEAD^0 HEAD~1^0 heads/main
			refs/heads/main origin/main remotes/origin/main origin v1 tags/v1 v2 v2~1 v1^{commit} v1^{} FETCH_HEAD ORIG_HEAD face`) {
			want := runGit(t, work, "rev-parse", name+"^{commit}")
			if got := point(t, c, name); string(got.Revision) != want {
				t.Errorf("%s is %s, not %s", name, got.Revision, want)
			}
			for _, digits := range []int{7, 8, 39, 40} {
				if got := point(t, c, want[:digits]); string(got.Revision) != want {
					t.Errorf("%s is %s, not %s", want[:digits], got.Revision, want)
				}
			}
		}
		if tag := runGit(t, work, "rev-parse", "v1"); point(t, c, tag[:9]).Revision != point(t, c, "v1").Revision {
			t.Errorf("the tag %s is another commit", tag)
		}
	}
	runGit(t, work, "checkout", "-q", "--detach")
	runGit(t, work, "branch", "-q", "-D", "main")
	if got := point(t, cloned(t, work), "main"); string(got.Revision) != runGit(t, work, "rev-parse", "origin/main") {
		t.Errorf("a branch that only origin has is %s", got.Revision)
	}
}

func TestClonePointSays(t *testing.T) {
	_, work := forked(t)
	p := point(t, cloned(t, work), "feature~1")
	if p.Message != "a\n\nTrefoil-Approve: rerun\n" || p.Date.UTC().Format("2006-01-02T15:04:05Z") != "2026-01-02T03:04:05Z" {
		t.Errorf("%q of %s", p.Message, p.Date)
	}
	if hash, err := p.Tree.Hash("train"); err != nil || hash != runGit(t, work, "rev-parse", "feature~1:train") {
		t.Errorf("the tree of train is %s, %v", hash, err)
	}
}

func TestCloneBefore(t *testing.T) {
	_, work := forked(t)
	c := cloned(t, work)
	before, ok := c.Before(point(t, c, "feature"))
	if !ok || before.Revision != point(t, c, "feature~1").Revision {
		t.Errorf("before feature is %s", before.Revision)
	}
	if _, ok := c.Before(point(t, c, "feature~2")); ok {
		t.Error("there is something before the first commit")
	}
}

// TestClonePlaces are folders that a Clone may be opened at.
func TestClonePlaces(t *testing.T) {
	_, work := forked(t)
	linked, borrowed := filepath.Join(t.TempDir(), "linked"), filepath.Join(t.TempDir(), "borrowed")
	runGit(t, work, "worktree", "add", "-q", linked, "main")
	runGit(t, work, "clone", "-q", "--shared", "--branch=main", work, borrowed)
	want := point(t, cloned(t, work), "main").Revision
	for _, dir := range []string{linked, borrowed} {
		c := cloned(t, dir)
		for _, name := range []string{"HEAD", "main", string(want)} {
			if got := point(t, c, name); got.Revision != want {
				t.Errorf("%s: %s is %s", dir, name, got.Revision)
			}
		}
	}
	sub := point(t, cloned(t, filepath.Join(work, "train")), "feature")
	if _, err := fs.ReadFile(sub.Tree, "a.py"); err != nil {
		t.Errorf("a sub-folder: %v", err)
	}
	write(t, work, map[string]string{"new/models.cue": "package models"})
	none := point(t, cloned(t, filepath.Join(work, "new")), "feature").Tree
	if entries, err := fs.ReadDir(none, "."); err != nil || len(entries) > 0 {
		t.Errorf("a folder that was not there yet: %v, %v", entries, err)
	}
	if hash, err := none.Hash("."); err != nil || hash != runGit(t, work, "hash-object", "-t", "tree", "/dev/null") {
		t.Errorf("its hash is %s, %v", hash, err)
	}
	if err := fstest.TestFS(none); err != nil {
		t.Error(err)
	}
}

// TestCloneFolderWas is that a folder which was something else before is no folder without specs.
func TestCloneFolderWas(t *testing.T) {
	dir := person(t, specs())
	if err := os.Symlink("train", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	runGit(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+runGit(t, dir, "rev-parse", "HEAD")+",module")
	runGit(t, dir, "add", "link")
	runGit(t, dir, "commit", "-q", "-m", "a link and a submodule")
	if err := os.Remove(filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"link": "is a symbolic link", "module": "is a submodule"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := point(t, cloned(t, filepath.Join(dir, name)), "HEAD").Tree.Open(".")
		if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCloneRefused are folders without a repository that could be read.
func TestCloneRefused(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(t *testing.T, dir string) string
		want  string
	}{
		"nothing": {func(t *testing.T, _ string) string { return t.TempDir() }, "in no git repository"},
		"nowhere": {func(_ *testing.T, dir string) string { return dir + "x" }, "no such file or directory"},
		"bare":    {made("clone", "-q", "--bare", "."), "bare repository"},
		"bare's own": {func(t *testing.T, dir string) string {
			return filepath.Join(made("clone", "-q", "--bare", ".")(t, dir), "refs")
		}, "bare repository"},
		"git's own": {func(_ *testing.T, dir string) string { return filepath.Join(dir, ".git", "refs") }, "bare repository"},
		"sha256":    {made("init", "-q", "--object-format=sha256"), "only sha1"},
		"other storage": {func(t *testing.T, dir string) string {
			runGit(t, dir, "config", "extensions.refStorage", "reftable")
			return dir
		}, "git refs migrate"},
		"gone": {func(t *testing.T, _ string) string {
			d := t.TempDir()
			write(t, d, map[string]string{".git": "gitdir: /nowhere\n"})
			return d
		}, "the repository of this work tree"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := OpenClone(c.begin(t, person(t, specs()))); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
}

// TestClonePartial is a clone that lacks what was not checked out: what is not needed is not missed, and what is, is named.
func TestClonePartial(t *testing.T) {
	s, work := forked(t)
	write(t, work, map[string]string{"train/b.py": "another b"})
	runGit(t, work, "commit", "-q", "-a", "-m", "c")
	runGit(t, work, "push", "-q", "origin", "feature")
	runGit(t, s.dir, "config", "uploadpack.allowFilter", "true")
	dir := filepath.Join(t.TempDir(), "partial")
	runGit(t, s.dir, "clone", "-q", "--filter=blob:none", "--branch=feature", "file://"+s.dir, dir)
	c := cloned(t, dir)
	before := point(t, c, "HEAD~1").Tree
	if _, err := fs.ReadFile(before, "models.cue"); err != nil {
		t.Error(err)
	}
	if entries, err := fs.ReadDir(before, "train"); err != nil || len(entries) != 4 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if _, err := fs.ReadFile(before, "train/b.py"); err == nil || !strings.Contains(err.Error(), "git fetch --refetch --no-filter origin") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := c.Fork(point(t, c, "main"), point(t, c, "feature")); err != nil {
		t.Error(err)
	}
	runGit(t, dir, "fetch", "-q", "--refetch", "--no-filter", "origin")
	if _, err := fs.ReadFile(point(t, cloned(t, dir), "HEAD~1").Tree, "train/b.py"); err != nil {
		t.Errorf("after what the error says: %v", err)
	}
}

// TestCloneDamaged is a clone that has lost an object.
func TestCloneDamaged(t *testing.T) {
	dir := person(t, specs())
	blob := runGit(t, dir, "rev-parse", "HEAD:models.cue")
	if err := os.Remove(filepath.Join(dir, ".git", "objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(point(t, cloned(t, dir), "HEAD").Tree, "models.cue"); err == nil || !strings.Contains(err.Error(), "git fsck") {
		t.Errorf("%v", err)
	}
}

// TestCloneTreesAtOnce is that the trees of a clone can be read at the same time.
func TestCloneTreesAtOnce(t *testing.T) {
	_, work := forked(t)
	runGit(t, work, "gc", "-q")
	c := cloned(t, work)
	var group sync.WaitGroup
	for _, name := range []string{"main", "main", "feature", "feature~1"} {
		tree := point(t, c, name).Tree
		group.Go(func() {
			if err := fstest.TestFS(tree, "models.cue", "train/lib/a.py"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
