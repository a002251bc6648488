package gitrepo

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// proposal is an edit with the trailer that tells what it was planned on.
func proposal(on plan.Revision, model, text string) reconcile.Edit {
	e := selection(model, text)
	e.Message += plan.SpecCommit + ": " + string(on) + "\n"
	return e
}

func proposals(t *testing.T, s *server) *Proposals {
	t.Helper()
	o := options(s.url)
	o.CommitTo = "trefoil"
	return open(t, o).Proposals()
}

// TestPropose: the branch is made, grows by fast-forwards only (I3), always has the content of the branch that is followed, and that one
// is never moved.
func TestPropose(t *testing.T) {
	s := serve(t, specs())
	p := proposals(t, s)
	main := s.tip(t)
	if at, err := p.Proposed(aMinute(t)); at != "" || err != nil {
		t.Fatalf("a branch that is not there is at %q, %v", at, err)
	}
	propose := func(from, on plan.Revision, model string) plan.Revision {
		t.Helper()
		made, err := p.Propose(aMinute(t), from, on, proposal(on, model, model+" text\n"))
		if err != nil {
			t.Fatal(err)
		}
		if at, err := p.Proposed(aMinute(t)); at != made || err != nil {
			t.Fatalf("the branch is at %q, %v, not at %q", at, err, made)
		}
		return made
	}
	parents := func(of plan.Revision) string {
		return runGit(t, s.dir, "log", "-1", "--format=%P", string(of))
	}
	first := propose("", main, "mnist")
	second := propose(first, main, "fraud")
	work := s.clone(t)
	write(t, work, map[string]string{"notes.txt": "more\n"})
	moved := s.publish(t, work, "somebody's")
	third := propose(second, moved, "mnist")
	fourth := propose(third, moved, "mnist2")
	for commit, want := range map[plan.Revision]string{
		first: string(main), second: string(first), third: string(second) + " " + string(moved), fourth: string(third),
	} {
		if got := parents(commit); got != want {
			t.Errorf("parents of %s are %s, want %s", commit.Short(), got, want)
		}
	}
	if got := runGit(t, s.dir, "diff", "--name-only", string(moved), string(fourth)); got != "selected/mnist2.cue" {
		t.Errorf("beside the branch that is followed there is %q", got)
	}
	if s.tip(t) != moved {
		t.Error("I3: the branch that is followed was moved")
	}
	tree, err := p.FetchProposed(aMinute(t), fourth)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fs.ReadFile(tree, "selected/mnist2.cue"); err != nil || string(got) != "mnist2 text\n" {
		t.Errorf("FetchProposed reads %q, %v", got, err)
	}
	runGit(t, s.dir, "fsck", "--strict")
}

// TestProposeStale: who comes too late has changed nothing, be it that the branch moved, was made, or is gone.
func TestProposeStale(t *testing.T) {
	s := serve(t, specs())
	main := s.tip(t)
	p := proposals(t, s)
	first, err := p.Propose(aMinute(t), "", main, proposal(main, "mnist", "a"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Propose(aMinute(t), "", main, proposal(main, "mnist", "a"))
	if err != nil || again != first {
		t.Errorf("the same once more is %q, %v: a push whose answer was lost is not known again (I2)", again, err)
	}
	if _, err := p.Propose(aMinute(t), "", main, proposal(main, "mnist", "b")); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("a branch that somebody made meanwhile: %v", err)
	}
	runGit(t, s.dir, "update-ref", "-d", "refs/heads/trefoil")
	if _, err := p.Propose(aMinute(t), first, main, proposal(main, "mnist", "b")); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("a branch that is gone: %v", err)
	}
	if at, err := p.Proposed(aMinute(t)); at != "" || err != nil {
		t.Errorf("the branch is at %q, %v", at, err)
	}
}

// TestProposeAnswerLost: the branch was made and the answer was lost (I2).
func TestProposeAnswerLost(t *testing.T) {
	s := serve(t, specs())
	main := s.tip(t)
	p := proposals(t, s)
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "receive-pack") {
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		next.ServeHTTP(w, r)
	})
	made, err := p.Propose(aMinute(t), "", main, proposal(main, "mnist", "a"))
	if at := plan.Revision(runGit(t, s.dir, "rev-parse", "trefoil")); err != nil || made != at {
		t.Errorf("Propose = %q, %v; the branch is at %q", made, err, at)
	}
}

func TestProposalsNames(t *testing.T) {
	for _, name := range []string{"main", "a..b", "-x"} {
		o := options("https://git.example.com/x.git")
		o.CommitTo = name
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), "a branch other than the one that is followed") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
