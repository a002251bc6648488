package gitrepo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// TestWatch has people do, one after the other, what moves HEAD or the branch. After each the last poke comes when Tip has it.
func TestWatch(t *testing.T) {
	for name, linked := range map[string]bool{"repository": false, "linked work tree": true} {
		t.Run(name, func(t *testing.T) {
			dir := person(t, specs())
			if linked {
				runGit(t, dir, "worktree", "add", "-q", "-b", "other", dir+"2")
				dir += "2"
			}
			pokes := watched(t, checkout(t, dir))
			for i, does := range [][][]string{
				{{"commit", "-q", "--allow-empty", "-m", "1"}},
				{{"commit", "-q", "--allow-empty", "--amend", "-m", "2"}},
				{{"switch", "-q", "-c", "a/b/c"}, {"commit", "-q", "--allow-empty", "-m", "3"}},
				{{"commit", "-q", "--allow-empty", "-m", "4"}},
				{{"pack-refs", "--all"}, {"commit", "-q", "--allow-empty", "-m", "5"}},
				{{"commit", "-q", "--allow-empty", "-m", "6"}},
				{{"reset", "-q", "--hard", "HEAD~2"}},
				{{"switch", "-q", "-c", "plain"}, {"branch", "-q", "-D", "a/b/c"}, {"commit", "-q", "--allow-empty", "-m", "7"}},
				{{"switch", "-q", "-c", "a/b/c/d"}, {"commit", "-q", "--allow-empty", "-m", "8"}},
				{{"switch", "-q", "plain"}},
				{{"merge", "-q", "--ff-only", "a/b/c/d"}, {"commit", "-q", "--allow-empty", "-m", "9"}},
				{{"gc", "-q"}, {"update-ref", "refs/heads/plain", "HEAD~1"}},
				{{"rebase", "-q", "--force-rebase", "HEAD~1"}, {"commit", "-q", "--allow-empty", "-m", "10"}},
			} {
				for _, args := range does {
					runGit(t, dir, args...)
				}
				want := plan.Revision(runGit(t, dir, "rev-parse", "HEAD"))
				if got := pokes.until(t, want); got != want {
					t.Fatalf("%d, %v: poked last at %s, want %s", i, does, got, want)
				}
			}
		})
	}
}

// TestWatchFolder takes git's folder away and puts it back, as a person who makes the repository anew does.
func TestWatchFolder(t *testing.T) {
	dir := person(t, specs())
	pokes := watched(t, checkout(t, dir))
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"anew", "more"} {
		if message == "anew" {
			runGit(t, dir, "init", "-q", "-b", "main")
			runGit(t, dir, "add", "-A")
		}
		runGit(t, dir, "commit", "-q", "--allow-empty", "-m", message)
		want := plan.Revision(runGit(t, dir, "rev-parse", "HEAD"))
		if got := pokes.until(t, want); got != want {
			t.Fatalf("%s: poked last at %s, want %s", message, got, want)
		}
	}
}

// TestWatchQuiet checks that what moves no branch is not told: the daemon would look for nothing, and people work all the time.
func TestWatchQuiet(t *testing.T) {
	dir := person(t, specs())
	c := checkout(t, dir)
	for file, want := range map[string]bool{
		"index": false, "index.lock": false, "HEAD.lock": false, "COMMIT_EDITMSG": false, "refs/heads/main.lock": false,
		"HEAD": true, "packed-refs": true, "refs": true, "refs/heads": true, "refs/heads/main": true, "refs/heads/a/b": true,
		"reftable/tables.list": true,
	} {
		if got := c.tells(filepath.Join(c.own, filepath.FromSlash(file))); got != want {
			t.Errorf("%s tells: %v, want %v", file, got, want)
		}
	}
}

// poked is a Tip that is asked when Watch pokes.
type poked struct {
	*Checkout
	pokes chan struct{}
}

// watched returns once the work tree is watched.
func watched(t *testing.T, c *Checkout) poked {
	ctx, cancel := context.WithCancel(t.Context())
	p, ended := poked{c, make(chan struct{}, 1)}, make(chan error, 1)
	go func() {
		ended <- c.Watch(ctx, func() {
			select {
			case p.pokes <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("watch: %v", err)
		}
	})
	<-p.pokes
	return p
}

// until asks at each poke, until the tip is the wanted one or none comes in a minute.
func (p poked) until(t *testing.T, want plan.Revision) (last plan.Revision) {
	ctx := aMinute(t)
	for last != want {
		select {
		case <-ctx.Done():
			return last
		case <-p.pokes:
			last, _ = p.Tip(ctx) // git may be in the middle of it
		}
	}
	return last
}
