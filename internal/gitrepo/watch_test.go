package gitrepo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
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
		if got := c.watched().tells(filepath.Join(c.own, filepath.FromSlash(file))); got != want {
			t.Errorf("%s tells: %v, want %v", file, got, want)
		}
	}
}

// TestWatchRepo has a person push to a repository of this machine that a daemon follows by its file URL.
func TestWatchRepo(t *testing.T) {
	for name, suffix := range map[string]string{"bare": "", "by its short name": ".git", "with a work tree": "/.git"} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, specs())
			work := s.clone(t)
			o := options("file://" + strings.TrimSuffix(s.dir, suffix))
			if suffix == "/.git" {
				runGit(t, work, "checkout", "-q", "-b", "a/b") // its own main is pushed to by others
				o.URL, o.Branch = "file://"+work, "deep/main"
				runGit(t, work, "branch", "-q", o.Branch, "main")
			}
			pokes := watched(t, open(t, o))
			for i, does := range [][]string{
				{"push", "-q", "origin", "HEAD:main"}, {"push", "-q", "-f", "origin", "HEAD~1:main"}, {"push", "-q", "origin", "HEAD:main"},
			} {
				runGit(t, work, "commit", "-q", "--allow-empty", "-m", "more")
				dir := s.dir
				if suffix == "/.git" {
					runGit(t, work, "branch", "-q", "-f", o.Branch, "HEAD")
					dir = work
				} else {
					runGit(t, work, does...)
				}
				if i == 1 {
					runGit(t, dir, "pack-refs", "--all")
				}
				want := plan.Revision(runGit(t, dir, "rev-parse", "refs/heads/"+o.Branch))
				if got := pokes.until(t, want); got != want {
					t.Fatalf("%d: poked last at %s, want %s", i, got, want)
				}
			}
		})
	}
}

// TestWatchRepoElsewhere: what lies on another machine is not watched, and that is no error; what is not there is one.
func TestWatchRepoElsewhere(t *testing.T) {
	poke := func() { t.Error("a poke for nothing") }
	if err := open(t, options("https://git.example.com/models.git")).Watch(t.Context(), poke); err != nil {
		t.Error(err)
	}
	if err := open(t, options("file://"+t.TempDir())).Watch(t.Context(), poke); err == nil {
		t.Error("an empty folder is watched")
	}
}

// poked is a Tip that is asked when Watch pokes.
type poked struct {
	watching
	pokes chan struct{}
}

type watching interface {
	Tip(ctx context.Context) (plan.Revision, error)
	Watch(ctx context.Context, poke func()) error
}

// watched returns once the repository is watched.
func watched(t *testing.T, c watching) poked {
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
