package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// I3: a commit is a child of base and changes nothing but the planned files. I8: its bytes follow from base and edit alone.
func TestCommit(t *testing.T) {
	s := serve(t, specs())
	repo, base := open(t, options(s.url)), s.tip(t)
	edit := selection("fraud", "package models\nselected: fraud: latest: 1\n")
	edit.Files["selected/mnist.cue"] = []byte("package models\nselected: mnist: latest: 2\n")
	got, err := repo.Commit(aMinute(t), base, edit)
	if err != nil || got != s.tip(t) {
		t.Fatalf("Commit = %q, %v; the branch is at %q", got, err, s.tip(t))
	}
	const want = `tree e87e4b4cd6a4c4bd8f4e1f9ac2f5a5e0a4f5e1d6
parent BASE
author Trefoil <trefoil@example.com> 1778047689 +0000
committer Trefoil <trefoil@example.com> 1778047689 +0000

fraud: release 1

Trefoil-Model: fraud`
	raw := strings.Replace(runGit(t, s.dir, "cat-file", "-p", string(got)), string(base), "BASE", 1)
	_, raw, _ = strings.Cut(raw, "\n")
	_, wanted, _ := strings.Cut(want, "\n")
	if diff := cmp.Diff(wanted, raw); diff != "" {
		t.Errorf("commit (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("A\tselected/fraud.cue\nM\tselected/mnist.cue", runGit(t, s.dir, "diff-tree", "-r", "--name-status", string(base), string(got))); diff != "" {
		t.Errorf("I3: changes (-want +got):\n%s", diff)
	}
	runGit(t, s.dir, "fsck", "--strict")
}

// I8, I2: what was pushed once and is pushed again is one commit.
func TestFault6CommittedTwice(t *testing.T) {
	s := serve(t, specs())
	base, edit := s.tip(t), selection("fraud", "x")
	first, err := open(t, options(s.url)).Commit(aMinute(t), base, edit)
	if err != nil {
		t.Fatal(err)
	}
	runGit(t, s.dir, "update-ref", "refs/heads/main", string(base))
	second, err := open(t, options("file://"+s.dir)).Commit(aMinute(t), base, edit)
	if err != nil || second != first {
		t.Errorf("Commit again = %q, %v; want %q", second, err, first)
	}
}

func TestCommitDate(t *testing.T) {
	s := serve(t, specs())
	repo := open(t, options(s.url))
	edit := selection("fraud", "x")
	edit.Date = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) // before its parent's
	got, err := repo.Commit(aMinute(t), s.tip(t), edit)
	if err != nil {
		t.Fatal(err)
	}
	if date := runGit(t, s.dir, "log", "-1", "--format=%cI", string(got)); date != "2026-01-02T03:04:05+00:00" {
		t.Errorf("the date is %s; want the parent's", date)
	}
}

func TestCommitFolder(t *testing.T) {
	s := serve(t, map[string]string{"team/specs/models.cue": "package models\n", "selected/mnist.cue": "not ours\n"})
	o := options(s.url)
	o.Path = "team/specs"
	base := s.tip(t)
	got, err := open(t, o).Commit(aMinute(t), base, selection("mnist", "x"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("A\tteam/specs/selected/mnist.cue", runGit(t, s.dir, "diff-tree", "-r", "--name-status", string(base), string(got))); diff != "" {
		t.Errorf("I3: changes (-want +got):\n%s", diff)
	}
	runGit(t, s.dir, "fsck", "--strict")
}

// I2, I3: whoever pushed first wins; nothing of ours reaches the server.
func TestFault9PersonWins(t *testing.T) {
	s := serve(t, specs())
	repo, base := open(t, options(s.url)), s.tip(t)
	if _, err := repo.Fetch(aMinute(t), base); err != nil {
		t.Fatal(err)
	}
	work := s.clone(t)
	write(t, work, map[string]string{"selected/mnist.cue": "a person's\n"})
	theirs := s.publish(t, work, "by hand")
	if _, err := repo.Commit(aMinute(t), base, selection("mnist", "ours")); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("Commit = %v; want ErrStale", err)
	}
	if s.tip(t) != theirs {
		t.Errorf("I2: the branch was moved from %s to %s", theirs, s.tip(t))
	}
}

// I3: no path but selected/NAME.cue is written, and no link is written through.
func TestCommitRefuses(t *testing.T) {
	s := serve(t, specs())
	work := s.clone(t)
	blob := runGit(t, work, "rev-parse", "main:models.cue")
	runGit(t, work, "update-index", "--add", "--cacheinfo", "120000,"+blob+",selected/link.cue")
	runGit(t, work, "update-index", "--add", "--cacheinfo", "100644,"+blob+",selected/folder.cue/x")
	runGit(t, work, "commit", "-q", "-m", "links")
	runGit(t, work, "push", "-q", "origin", "main")
	base := s.tip(t)
	repo := open(t, options(s.url))
	for _, name := range []string{
		"models.cue", "selected", "selected/", "selected/mnist", "selected/.cue", "selected/.git.cue", "selected/a/b.cue", "selected/../models.cue",
		"/selected/a.cue", "./selected/a.cue", "selected//a.cue", "Selected/a.cue", "selected/a\x00.cue", "selected/a\\b.cue", "selected/a\n.cue",
		".git/config", "selected/link.cue", "selected/folder.cue",
	} {
		edit := selection("mnist", "new")
		edit.Files[name] = []byte("x")
		_, err := repo.Commit(aMinute(t), base, edit)
		if err == nil || !strings.Contains(err.Error(), strings.Trim(fmt.Sprintf("%q", path.Base(name)), `"`)) {
			t.Errorf("Commit of %q = %v; want an error that names it", name, err)
		}
	}
	for _, message := range []string{"", "a\x00b", "a\xff"} {
		edit := selection("mnist", "new")
		edit.Message = message
		if _, err := repo.Commit(aMinute(t), base, edit); err == nil {
			t.Errorf("Commit took message %q", message)
		}
	}
	if _, err := repo.Commit(aMinute(t), base, reconcile.Edit{Message: "nothing"}); err == nil {
		t.Error("Commit took an edit without files")
	}
	same := selection("mnist", specs()["selected/mnist.cue"])
	if _, err := repo.Commit(aMinute(t), base, same); err == nil {
		t.Error("Commit took an edit that changes nothing")
	}
	if s.tip(t) != base {
		t.Errorf("I3: the branch was moved to %s", s.tip(t))
	}
}

// I2: many writers on one branch, who compete and start again, lose nothing.
func TestCommitContention(t *testing.T) {
	const writers, each = 10, 5
	s := serve(t, specs())
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			repo := open(t, options("file://"+s.dir)) // two processes a call fewer than over http
			for n := range each {
				if err := land(t, repo, fmt.Sprintf("w%dn%d", w, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	files := strings.Fields(runGit(t, s.dir, "ls-tree", "--name-only", "main:selected"))
	if len(files) != writers*each+1 {
		t.Errorf("I2: %d files of %d", len(files), writers*each+1)
	}
	if got := runGit(t, s.dir, "rev-list", "--count", "main"); got != fmt.Sprint(writers*each+1) {
		t.Errorf("I3: %s commits of %d", got, writers*each+1)
	}
	runGit(t, s.dir, "fsck", "--strict")
}

// land does what the loop does: tip, fetch, commit, and again where it lost a race.
func land(t testing.TB, repo *Repo, model string) error {
	for lost := range 200 {
		tip, err := repo.Tip(t.Context())
		if err != nil {
			return err
		}
		tree, err := repo.Fetch(t.Context(), tip)
		if err == nil {
			if _, err := fs.Stat(tree, "models.cue"); err != nil {
				return err
			}
			var made plan.Revision
			made, err = repo.Commit(t.Context(), tip, selection(model, model))
			if err == nil && made == "" {
				return errors.New("committed nothing")
			}
		}
		if !errors.Is(err, reconcile.ErrStale) {
			return err
		}
		time.Sleep(time.Duration(rand.IntN(120*min(lost+1, 10))) * time.Millisecond)
	}
	return errors.New("lost 200 races")
}

// TestCommitter: who commits may be somebody else than the author, in part too.
func TestCommitter(t *testing.T) {
	s := serve(t, specs())
	o := options(s.url)
	o.CommitterEmail = "bot@example.com"
	got, err := open(t, o).Commit(aMinute(t), s.tip(t), selection("fraud", "x"))
	if err != nil {
		t.Fatal(err)
	}
	if who := runGit(t, s.dir, "log", "-1", "--format=%an %ae, %cn %ce", string(got)); who != "Trefoil trefoil@example.com, Trefoil bot@example.com" {
		t.Errorf("the commit is of %s", who)
	}
	o.CommitterName = "a <b>"
	if err := o.Check(); err == nil {
		t.Errorf("%q is taken for a name", o.CommitterName)
	}
}

// TestServerSettings: what a server refuses of pushes that are no fast-forward, or delete, does not concern us: we push neither (I3).
func TestServerSettings(t *testing.T) {
	for _, value := range []string{"true", "false"} {
		s := serve(t, specs())
		for _, name := range []string{"receive.denyNonFastForwards", "receive.denyDeletes", "receive.fsckObjects", "receive.advertiseAtomic"} {
			runGit(t, s.dir, "config", name, value)
		}
		repo := open(t, options(s.url))
		first, err := repo.Commit(aMinute(t), s.tip(t), selection("fraud", "x"))
		if err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		work := s.clone(t)
		write(t, work, map[string]string{"notes.txt": "more\n"})
		moved := s.publish(t, work, "somebody's")
		if _, err := repo.Commit(aMinute(t), first, selection("mnist", "y")); !errors.Is(err, reconcile.ErrStale) {
			t.Errorf("%s: a push that comes too late: %v", value, err)
		}
		if _, err := repo.Commit(aMinute(t), moved, selection("mnist", "y")); err != nil {
			t.Errorf("%s: %v", value, err)
		}
	}
}
