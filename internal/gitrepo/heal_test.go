package gitrepo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// breakOff commits, and stops after so many steps as if the process had been killed there; it says whether the branch has moved.
func breakOff(t *testing.T, c *Checkout, steps int) (commit plan.Revision, moved bool) {
	t.Helper()
	guard, err := c.guard()
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	l, err := c.prepare(aMinute(t), tipOf(t, c), selection("mnist", release))
	if err != nil {
		t.Fatal(err)
	}
	l.guard = guard
	all := slices.Concat(l.toBranch(), l.toWorkTree())
	if err := inTurn(aMinute(t), all[:steps]); err != nil {
		t.Fatal(err)
	}
	return l.commit, steps >= len(l.toBranch())
}

// allSteps is how many there are.
func allSteps() int { return len(new(landing).toBranch()) + len(new(landing).toWorkTree()) }

// TestHeal kills Trefoil after each of its steps, in a work tree that the person is at work in. The next one finds the commit and
// finishes it, or undoes what there is of it: the person sees no change either way.
func TestHeal(t *testing.T) {
	for steps := range allSteps() + 1 {
		for _, name := range []string{"new file", "known file"} {
			t.Run(fmt.Sprintf("%d steps/%s", steps, name), func(t *testing.T) {
				files := specs()
				if name == "new file" {
					delete(files, "selected/mnist.cue")
				}
				dir := person(t, files)
				around["staged and edited again"](t, dir)
				c := checkout(t, dir)
				before, base := work(t, dir), tipOf(t, c)
				commit, moved := breakOff(t, c, steps)

				tip := tipOf(t, checkout(t, dir))
				if moved && tip != commit || !moved && tip != base {
					t.Errorf("the tip is %s, from %s to %s, moved %v", tip, base, commit, moved)
				}
				if after := work(t, dir); after != before {
					t.Errorf("before:\n%s\nafter:\n%s", before, after)
				}
				tidy(t, dir)
				if !moved {
					made, err := checkout(t, dir).Commit(aMinute(t), base, selection("mnist", release))
					if made != commit || err != nil {
						t.Errorf("once more: %s, %v, want %s", made, err, commit)
					}
				}
				landed(t, dir, "selected/mnist.cue", release)
			})
		}
	}
}

// TestHealPerson has the person do something between the kill and the next start, which then stays as it is.
func TestHealPerson(t *testing.T) {
	unlock := func(t *testing.T, dir string) { // as git advises
		if err := os.Remove(filepath.Join(dir, ".git", "index.lock")); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		steps  int
		does   func(t *testing.T, dir string)
		status string // of the file then
		holds  string
	}{
		"edits": {6, func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"selected/mnist.cue": "mine\n"})
		}, "M selected/mnist.cue", "mine\n"},
		"stages": {6, func(t *testing.T, dir string) {
			unlock(t, dir)
			write(t, dir, map[string]string{"selected/mnist.cue": "mine\n"})
			runGit(t, dir, "add", "-A")
		}, "M  selected/mnist.cue", "mine\n"},
		"commits the file": {6, func(t *testing.T, dir string) {
			unlock(t, dir)
			write(t, dir, map[string]string{"selected/mnist.cue": "mine\n"})
			commitAll(t, dir, "mine")
		}, "", "mine\n"},
		"commits another": {6, func(t *testing.T, dir string) {
			unlock(t, dir)
			write(t, dir, map[string]string{"mine.cue": "package models\n"})
			runGit(t, dir, "add", "mine.cue")
			runGit(t, dir, "commit", "-q", "-m", "mine")
		}, "", release},
		"resets": {6, func(t *testing.T, dir string) {
			unlock(t, dir)
			runGit(t, dir, "reset", "-q", "--hard", "HEAD~1")
		}, "", specs()["selected/mnist.cue"]},
		"resets before": {5, func(t *testing.T, dir string) {
			unlock(t, dir)
			runGit(t, dir, "reset", "-q", "--hard")
		}, "", specs()["selected/mnist.cue"]},
		"reverts": {6, func(t *testing.T, dir string) {
			unlock(t, dir)
			runGit(t, dir, "restore", "-q", "--staged", "--source=HEAD~1", "selected/mnist.cue")
			runGit(t, dir, "commit", "-q", "-m", "reverted")
		}, "", specs()["selected/mnist.cue"]},
		"stages before": {5, func(t *testing.T, dir string) {
			unlock(t, dir)
			write(t, dir, map[string]string{"mine.cue": "package models\n"})
			runGit(t, dir, "add", "mine.cue")
		}, "A  mine.cue\nMM selected/mnist.cue", specs()["selected/mnist.cue"]},
		"switches": {6, func(t *testing.T, dir string) {
			unlock(t, dir)
			runGit(t, dir, "reset", "-q", "--hard")
			runGit(t, dir, "switch", "-q", "-c", "other", "HEAD~1")
		}, "", specs()["selected/mnist.cue"]},
		"cleans up": {3, func(t *testing.T, dir string) {
			unlock(t, dir)
			runGit(t, dir, "gc", "-q", "--prune=now")
		}, "", specs()["selected/mnist.cue"]},
	} {
		t.Run(name, func(t *testing.T) {
			dir := person(t, specs())
			breakOff(t, checkout(t, dir), c.steps)
			c.does(t, dir)
			want := runGit(t, dir, "rev-parse", "HEAD")
			if tip := tipOf(t, checkout(t, dir)); string(tip) != want {
				t.Errorf("the tip moved from %s to %s", want, tip)
			}
			if data, err := os.ReadFile(filepath.Join(dir, "selected/mnist.cue")); string(data) != c.holds {
				t.Errorf("the file is %q, want %q: %v", data, c.holds, err)
			}
			if status := runGit(t, dir, "status", "--porcelain"); status != c.status {
				t.Errorf("status %q, want %q", status, c.status)
			}
			tidy(t, dir)
		})
	}
}

// TestHealWaits is that nobody heals what another process that lives is still doing.
func TestHealWaits(t *testing.T) {
	dir := person(t, specs())
	c := checkout(t, dir)
	base := tipOf(t, c)
	breakOff(t, c, 5)
	guard, err := c.guard()
	if err != nil {
		t.Fatal(err)
	}
	other := checkout(t, dir)
	tipOf(t, other)
	if !(&landing{Checkout: c}).holdsIndex() {
		t.Error("the lock of a process that lives was taken away")
	}
	if _, err := other.Commit(aMinute(t), base, selection("mnist", release)); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("commit beside another: %v", err)
	}
	guard.Close()
	tipOf(t, other)
	tidy(t, dir)
}

// TestCheckoutPerson lets a person and Trefoil commit to the same branch as fast as they can: no commit is lost, none is doubled, no
// commit undoes another (I2, I3), and the work tree is clean in the end.
func TestCheckoutPerson(t *testing.T) {
	const commits = 15
	dir := person(t, specs())
	c, ctx := checkout(t, dir), aMinute(t)
	var both sync.WaitGroup
	both.Go(func() {
		for i := range commits {
			write(t, dir, map[string]string{fmt.Sprintf("mine/%d.cue", i): "package models\n"})
			for ctx.Err() == nil && (tryGit(dir, "add", "mine") != nil || tryGit(dir, "commit", "-q", "-m", fmt.Sprint("mine ", i)) != nil) {
			}
		}
	})
	both.Go(func() {
		for i := range commits {
			edit := selection("mnist", fmt.Sprintf("package models\nselected: mnist: latest: %d\n", 2+i))
			edit.Files[fmt.Sprintf("selected/model%d.cue", i)] = []byte("package models\n")
			for ctx.Err() == nil && again(t, c, edit) {
			}
		}
	})
	both.Wait()
	subjects := strings.Split(runGit(t, dir, "log", "--format=%s", "--reverse"), "\n")
	want := []string{"begin"}
	for i := range commits {
		want = append(want, fmt.Sprint("mine ", i), "mnist: release 1")
	}
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(subjects)); !slices.Equal(got, want) {
		t.Errorf("commits: %q", subjects)
	}
	tipOf(t, c)
	if status := runGit(t, dir, "status", "--porcelain"); status != "" {
		t.Errorf("status:\n%s", status)
	}
	if undone := runGit(t, dir, "log", "--grep=^mine", "--stat", "--", "selected"); undone != "" {
		t.Errorf("the person's commits change what Trefoil wrote:\n%s", undone)
	}
	tidy(t, dir)
}

// again commits on the tip, and tells whether that has to be tried again.
func again(t *testing.T, c *Checkout, edit reconcile.Edit) bool {
	tip, err := c.Tip(aMinute(t))
	if err == nil {
		_, err = c.Commit(aMinute(t), tip, edit)
	}
	if err != nil && !errors.Is(err, reconcile.ErrStale) {
		t.Log(err) // the lock of the index may be the person's for longer than is waited for
	}
	return err != nil
}
