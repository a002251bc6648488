package gitrepo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// person makes a work tree with the files as its first commit; none, and it holds no commit. Git has no settings but those of the
// work tree.
func person(t testing.TB, files map[string]string) string {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	dir := filepath.Join(t.TempDir(), "work")
	runGit(t, "", "init", "-q", "-b", "main", dir)
	if len(files) > 0 {
		write(t, dir, files)
		commitAll(t, dir, "begin")
	}
	return dir
}

// commitAll commits as a person would.
func commitAll(t testing.TB, dir, message string) {
	t.Helper()
	runGit(t, dir, "add", "-A")
	runGit(t, dir, "commit", "-q", "-m", message)
}

// checkout opens the work tree that the folder is in.
func checkout(t testing.TB, dir string) *Checkout {
	t.Helper()
	c, err := OpenCheckout(aMinute(t), dir, "Trefoil", "trefoil@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tipOf is the tip, which there has to be.
func tipOf(t testing.TB, s reconcile.Source) plan.Revision {
	t.Helper()
	tip, err := s.Tip(aMinute(t))
	if err != nil {
		t.Fatal(err)
	}
	return tip
}

// work is all that the person sees of the work tree but Trefoil's file, and what git says about it.
func work(t testing.TB, dir string) string {
	t.Helper()
	seen := []string{
		runGit(t, dir, "status", "--porcelain=v2", "--untracked-files=all", "--ignored"),
		runGit(t, dir, "diff"), runGit(t, dir, "diff", "--cached"),
		runGit(t, dir, "ls-files", "--stage", "-v", "-t", "--", ".", ":!selected/mnist.cue"), runGit(t, dir, "stash", "list"),
	}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		switch {
		case err != nil || strings.HasSuffix(name, "selected/mnist.cue"):
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		}
		about, err := d.Info()
		data, _ := os.ReadFile(name)
		if !d.IsDir() {
			seen = append(seen, name, about.Mode().String(), about.ModTime().String(), string(data))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(seen, "\n")
}

// release is a new content of mnist's file.
const release = "package models\nselected: mnist: latest: 2\n"

// around are ways to be in the middle of something that has nothing to do with Trefoil's file, as git commands and files.
var around = map[string]func(t *testing.T, dir string){
	"nothing": func(*testing.T, string) {},
	"edited": func(t *testing.T, dir string) {
		write(t, dir, map[string]string{"models.cue": "package models // mine\n"})
	},
	"staged and edited again": func(t *testing.T, dir string) {
		write(t, dir, map[string]string{"models.cue": "package models // mine\n", "train/new.py*": "new = 1\n"})
		runGit(t, dir, "add", "-A")
		runGit(t, dir, "mv", "train/run.py", "train/walk.py")
		write(t, dir, map[string]string{"models.cue": "package models // mine, and more\n", "selected/other.cue": "package models\n"})
	},
	"removed": func(t *testing.T, dir string) {
		runGit(t, dir, "rm", "-q", "--cached", "models.cue")
		if err := os.RemoveAll(filepath.Join(dir, "train")); err != nil {
			t.Fatal(err)
		}
	},
	"intended": func(t *testing.T, dir string) {
		write(t, dir, map[string]string{"later.py": "later = 1\n"})
		runGit(t, dir, "add", "--intent-to-add", "later.py")
		runGit(t, dir, "update-index", "--assume-unchanged", "models.cue")
		runGit(t, dir, "update-index", "--skip-worktree", "train/run.py")
	},
	"index of two files": func(t *testing.T, dir string) {
		runGit(t, dir, "config", "core.splitIndex", "true")
		runGit(t, dir, "update-index", "--split-index")
		write(t, dir, map[string]string{"models.cue": "package models // mine\n"})
	},
	"packed": func(t *testing.T, dir string) { runGit(t, dir, "gc", "-q") },
	"link": func(t *testing.T, dir string) {
		if err := os.Symlink("models.cue", filepath.Join(dir, "linked.cue")); err != nil {
			t.Fatal(err)
		}
		runGit(t, dir, "add", "linked.cue")
	},
}

// TestCheckoutAround is that a commit touches one file, whatever else is going on in the work tree, and the person sees no change.
func TestCheckoutAround(t *testing.T) {
	for name, begin := range around {
		for _, model := range []string{"new", "known"} {
			t.Run(name+"/"+model, func(t *testing.T) {
				files := specs()
				if model == "new" {
					delete(files, "selected/mnist.cue")
				}
				dir := person(t, files)
				begin(t, dir)
				before := work(t, dir)
				c := checkout(t, dir)
				made, err := c.Commit(aMinute(t), tipOf(t, c), selection("mnist", release))
				if err != nil {
					t.Fatal(err)
				}
				if got := runGit(t, dir, "rev-parse", "main"); made != plan.Revision(got) {
					t.Errorf("made %s, the branch is at %s", made, got)
				}
				landed(t, dir, "selected/mnist.cue", release)
				if after := work(t, dir); after != before {
					t.Errorf("before:\n%s\nafter:\n%s", before, after)
				}
			})
		}
	}
}

// landed checks that the file is in the work tree, the index and the commit, and that nothing of ours is left in git's folder.
func landed(t *testing.T, dir, name, want string) {
	t.Helper()
	if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != want {
		t.Errorf("%s is %q: %v", name, data, err)
	}
	if tryGit(dir, "diff-files", "--quiet", "--", name) != nil { // before git status brings the index up to date
		t.Errorf("the index has not looked at %s", name)
	}
	if status := runGit(t, dir, "status", "--porcelain", "--", name); status != "" {
		t.Errorf("status of %s: %s", name, status)
	}
	tidy(t, dir)
	if said := runGit(t, dir, "reflog", "-1", "--format=%gn %gs"); said != "Trefoil trefoil: mnist: release 1" {
		t.Errorf("reflog: %s", said)
	}
}

// tidy checks that neither a lock of git nor a journal of ours is left.
func tidy(t *testing.T, dir string) {
	t.Helper()
	own := runGit(t, dir, "rev-parse", "--absolute-git-dir")
	for _, left := range []string{"index.lock", "HEAD.lock", "trefoil/journal", "trefoil/index", "trefoil/index.old"} {
		if _, err := os.Lstat(filepath.Join(own, left)); err == nil {
			t.Errorf("%s is left", left)
		}
	}
}

// TestCheckoutSwitched switches the branch between Tip and Commit.
func TestCheckoutSwitched(t *testing.T) {
	dir := person(t, specs())
	runGit(t, dir, "switch", "-q", "-c", "feature/other")
	runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "other")
	runGit(t, dir, "switch", "-q", "main")
	c := checkout(t, dir)
	main := tipOf(t, c)
	runGit(t, dir, "switch", "-q", "feature/other")
	other := tipOf(t, c)
	if _, err := c.Commit(aMinute(t), main, selection("mnist", release)); !errors.Is(err, reconcile.ErrStale) || other == main {
		t.Errorf("commit on %s while %s is checked out: %v", main, other, err)
	}
	made, err := c.Commit(aMinute(t), other, selection("mnist", release))
	if err != nil || tipOf(t, c) != made || runGit(t, dir, "rev-parse", "main") != string(main) {
		t.Errorf("commit on the branch that is checked out: %s, %v", made, err)
	}
}
