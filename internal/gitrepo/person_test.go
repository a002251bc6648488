package gitrepo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

// TestCheckoutInTheWay is that the person's work is never touched: the commit is refused, with the file's name and what to try.
func TestCheckoutInTheWay(t *testing.T) {
	inPlace := func(do func(t *testing.T, dir, file string)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			file := filepath.Join(dir, "selected", "mnist.cue")
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			do(t, dir, file)
		}
	}
	mine := func(t *testing.T, dir string) { write(t, dir, map[string]string{"selected/mnist.cue": "mine\n"}) }
	for name, c := range map[string]struct {
		begin func(t *testing.T, dir string)
		want  string
	}{
		"edited": {mine, "restore -- selected/mnist.cue"},
		"staged": {func(t *testing.T, dir string) {
			mine(t, dir)
			runGit(t, dir, "add", "-A")
		}, "restore --staged -- selected/mnist.cue"},
		"removed":            {inPlace(func(*testing.T, string, string) {}), "bring it back"},
		"removed and staged": {func(t *testing.T, dir string) { runGit(t, dir, "rm", "-q", "selected/mnist.cue") }, "is staged"},
		"hidden": {func(t *testing.T, dir string) {
			runGit(t, dir, "update-index", "--skip-worktree", "selected/mnist.cue")
			mine(t, dir)
		}, "is edited"},
		"executable": {func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "selected/mnist.cue"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "is edited"},
		"untracked": {func(t *testing.T, dir string) {
			runGit(t, dir, "rm", "-q", "selected/mnist.cue")
			runGit(t, dir, "commit", "-q", "-m", "removed")
			mine(t, dir)
		}, "move it away"},
		"ignored": {func(t *testing.T, dir string) {
			runGit(t, dir, "rm", "-q", "selected/mnist.cue")
			write(t, dir, map[string]string{".gitignore": "selected\n"})
			commitAll(t, dir, "ignored")
			mine(t, dir)
		}, "move it away"},
		"folder": {inPlace(func(t *testing.T, dir, _ string) {
			write(t, dir, map[string]string{"selected/mnist.cue/mine.txt": "mine\n"})
		}), "is a folder"},
		"link": {inPlace(func(t *testing.T, dir, file string) {
			if err := os.Symlink(filepath.Join(dir, "models.cue"), file); err != nil {
				t.Fatal(err)
			}
		}), "is a symbolic link"},
		"link to the folder": {func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "selected"), filepath.Join(dir, "elsewhere")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("elsewhere", filepath.Join(dir, "selected")); err != nil {
				t.Fatal(err)
			}
		}, "selected is a symbolic link"},
		"file for the folder": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "selected")); err != nil {
				t.Fatal(err)
			}
			write(t, dir, map[string]string{"selected": "mine\n"})
		}, "selected is a file"},
		"lock": {func(t *testing.T, dir string) { write(t, dir, map[string]string{".git/index.lock": ""}) }, "index.lock"},
		"merge": {func(t *testing.T, dir string) {
			runGit(t, dir, "branch", "other")
			runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "here")
			runGit(t, dir, "switch", "-q", "other")
			runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "there")
			runGit(t, dir, "merge", "-q", "--no-commit", "main")
		}, "a merge is under way"},
		"no index": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, ".git", "index")); err != nil {
				t.Fatal(err)
			}
		}, "selected/mnist.cue is staged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := person(t, specs())
			c.begin(t, dir)
			look := func() string { // without Git's lock, which one case has
				mine, _ := os.ReadFile(filepath.Join(dir, "selected/mnist.cue"))
				index, _ := os.ReadFile(filepath.Join(dir, ".git", "index"))
				status := runGit(t, dir, "--no-optional-locks", "status", "--porcelain=v2", "-uall", "--ignored", "--branch")
				return string(mine) + string(index) + status
			}
			before, source := look(), checkout(t, dir)
			_, err := source.Commit(aMinute(t), tipOf(t, source), selection("mnist", release))
			if err == nil || errors.Is(err, reconcile.ErrStale) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("commit: %v, want %q in it", err, c.want)
			}
			blocked, found := errors.AsType[*reconcile.BlockedError](err)
			if all := name == "lock" || name == "merge"; found == all || found && blocked.Path != "selected/mnist.cue" {
				t.Errorf("it is blocked at %+v", blocked)
			}
			if after := look(); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			if name != "lock" {
				tidy(t, dir)
			}
		})
	}
}

// TestCheckoutSame is that what is there already in the way that Trefoil would write it is in nobody's way.
func TestCheckoutSame(t *testing.T) {
	for name, staged := range map[string]bool{"in the work tree": false, "staged": true} {
		t.Run(name, func(t *testing.T) {
			dir := person(t, specs())
			write(t, dir, map[string]string{"selected/mnist.cue": release})
			if staged {
				runGit(t, dir, "add", "-A")
			}
			c := checkout(t, dir)
			if _, err := c.Commit(aMinute(t), tipOf(t, c), selection("mnist", release)); err != nil {
				t.Fatal(err)
			}
			landed(t, dir, "selected/mnist.cue", release)
		})
	}
}
