package gitrepo

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

// stamp signs by nothing but a header.
func stamp(commit []byte) ([]byte, error) {
	return bytes.Replace(commit, []byte("\n\n"), []byte("\ngpgsig -----BEGIN X-----\n \n -----END X-----\n\n"), 1), nil
}

// stamped trusts what is stamped.
func stamped(commit []byte) error {
	if !bytes.Contains(commit, []byte("\ngpgsig -----BEGIN X-----\n")) {
		return errors.New("it is not signed\x1b[31m\n")
	}
	return nil
}

// I8: what is signed twice is one commit, and what the server has is what was signed.
func TestSigned(t *testing.T) {
	s := serve(t, specs())
	o := options(s.url)
	o.Sign = stamp
	base, edit := s.tip(t), selection("fraud", "x")
	first, err := open(t, o).Commit(aMinute(t), base, edit)
	if err != nil || first != s.tip(t) {
		t.Fatalf("Commit = %s, %v; the branch is at %s", first, err, s.tip(t))
	}
	raw := runGit(t, s.dir, "cat-file", "commit", string(first))
	if !strings.Contains(raw, "\ngpgsig -----BEGIN X-----\n \n -----END X-----\n\nfraud: release 1\n") {
		t.Errorf("the commit is\n%s", raw)
	}
	runGit(t, s.dir, "fsck", "--strict")
	runGit(t, s.dir, "update-ref", "refs/heads/main", string(base))
	if second, err := open(t, o).Commit(aMinute(t), base, edit); err != nil || second != first {
		t.Errorf("Commit again = %s, %v; want %s", second, err, first)
	}
}

// A commit that can't be signed, or is another one once it is signed, is not pushed, and not without a signature either.
func TestNeverUnsigned(t *testing.T) {
	s := serve(t, specs())
	base := s.tip(t)
	for name, sign := range map[string]func([]byte) ([]byte, error){
		"fails":    func([]byte) ([]byte, error) { return nil, errors.New("the key is gone") },
		"unsigned": func(commit []byte) ([]byte, error) { return commit, nil },
		"nothing":  func([]byte) ([]byte, error) { return nil, nil },
		"another": func(commit []byte) ([]byte, error) {
			return stamp(bytes.Replace(commit, []byte("release 1"), []byte("release 2"), 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(s.url)
			o.Sign = sign
			got, err := open(t, o).Commit(aMinute(t), base, selection("fraud", "x"))
			if err == nil || !strings.Contains(err.Error(), "without a signature") {
				t.Errorf("Commit = %s, %v", got, err)
			}
			if s.tip(t) != base {
				t.Errorf("the branch moved to %s", s.tip(t))
			}
		})
	}
}

// I4: what nobody vouches for is not read, by no way there is.
func TestTrust(t *testing.T) {
	s := serve(t, specs())
	o := options(s.url)
	o.Trust = stamped
	repo, base := open(t, o), s.tip(t)
	_, fetched := repo.Fetch(aMinute(t), base)
	_, committed := repo.Commit(aMinute(t), base, selection("fraud", "x"))
	_, logged := repo.Log(aMinute(t), 5)
	for what, err := range map[string]error{"Fetch": fetched, "Commit": committed, "Log": logged} {
		if !errors.Is(err, reconcile.ErrUntrusted) {
			t.Fatalf("%s: %v", what, err)
		}
		want := "commit " + base.Short() + " of Ada <ada@example.com> is not trusted: it is not signed [31m; push one on top"
		if !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %q; want %q", what, err, want)
		}
	}
	o.Sign = stamp
	blind := o
	blind.Trust = nil
	signed, err := open(t, blind).Commit(aMinute(t), base, selection("fraud", "x"))
	if err != nil {
		t.Fatal(err)
	}
	repo = open(t, o)
	tree, err := repo.Fetch(aMinute(t), signed)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(tree, "selected/fraud.cue"); err != nil || string(text) != "x" {
		t.Errorf("selected/fraud.cue is %q, %v", text, err)
	}
	if _, err := repo.Commit(aMinute(t), signed, selection("fraud", "y")); err != nil { // one's own commit counts
		t.Error(err)
	}
	if _, err := repo.Fetch(aMinute(t), s.tip(t)); err != nil {
		t.Error(err)
	}
}

// TestRefusedOnce fetches a tip that is not trusted once, and judges it anew each time.
func TestRefusedOnce(t *testing.T) {
	s := serve(t, specs())
	trusted, judged := false, 0
	o := options(s.url)
	o.Trust = func([]byte) error {
		if judged++; trusted {
			return nil
		}
		return errors.New("not in the list")
	}
	repo, tip := open(t, o), s.tip(t)
	var kept *commitTree
	for n := range 3 {
		if _, err := repo.Fetch(aMinute(t), tip); !errors.Is(err, reconcile.ErrUntrusted) {
			t.Fatal(err)
		}
		if n == 0 {
			kept = repo.refused
		}
		if kept == nil || repo.refused != kept {
			t.Fatal("it was fetched again")
		}
	}
	if trusted = true; judged != 3 {
		t.Errorf("judged %d times, not 3", judged)
	}
	if _, err := repo.Fetch(aMinute(t), tip); err != nil || repo.take(tip) != kept || repo.refused != nil {
		t.Errorf("once it is trusted: %v", err)
	}
}

// TestLongName has a committer fill the line: why is said all the same.
func TestLongName(t *testing.T) {
	s := serve(t, specs())
	work := s.clone(t)
	commit := "tree " + runGit(t, work, "rev-parse", "HEAD^{tree}") + "\nparent " + string(s.tip(t)) + "\nauthor A <a> 1 +0000\n" +
		"committer " + strings.Repeat("x", 5000) + " <" + strings.Repeat("y", 5000) + "> 1 +0000\n\nlong\n"
	write(t, work, map[string]string{".git/long": commit})
	runGit(t, work, "push", "-q", "origin", runGit(t, work, "hash-object", "-t", "commit", "-w", ".git/long")+":main")
	o := options(s.url)
	o.Trust = stamped
	_, err := open(t, o).Fetch(aMinute(t), s.tip(t))
	if err == nil || len(err.Error()) > 350 {
		t.Errorf("%v", err)
	}
}

// A commit that would be held as soon as it is there is not pushed: the key was taken out of the list, or is not good for that date.
func TestOwnKeyNotTrusted(t *testing.T) {
	s := serve(t, specs())
	base := s.tip(t)
	o := options(s.url)
	o.Sign = stamp
	trusted := true
	o.Trust = func(commit []byte) error {
		if !trusted && bytes.Contains(commit, []byte("gpgsig")) {
			return errors.New("the key is not in the list")
		}
		return nil
	}
	repo := open(t, o)
	trusted = false
	if got, err := repo.Commit(aMinute(t), base, selection("fraud", "x")); err == nil || !strings.Contains(err.Error(), "not trusted here") {
		t.Errorf("Commit = %s, %v", got, err)
	}
	if s.tip(t) != base {
		t.Errorf("the branch moved to %s", s.tip(t))
	}
}

// TestProposeUponUntrusted: a person pushes to the branch of proposals without a signature. Nothing of it counts, and what is proposed next
// goes on top, with none of it.
func TestProposeUponUntrusted(t *testing.T) {
	s := serve(t, specs())
	main := s.tip(t)
	o := options(s.url)
	o.CommitTo, o.Sign = "trefoil", stamp
	o.Trust = func(commit []byte) error {
		if bytes.Contains(commit, []byte("a person's")) {
			return stamped(commit)
		}
		return nil
	}
	p := open(t, o).Proposals()
	first, err := p.Propose(aMinute(t), "", main, proposal(main, "mnist", "a\n"))
	if err != nil {
		t.Fatal(err)
	}
	work := s.clone(t)
	runGit(t, work, "checkout", "-q", "-B", "trefoil", string(first))
	write(t, work, map[string]string{"selected/mnist.cue": "mine\n", "more.txt": "mine\n"})
	runGit(t, work, "add", "--all")
	runGit(t, work, "commit", "-q", "-m", "a person's")
	runGit(t, work, "push", "-q", "origin", "trefoil")
	tip, err := p.Proposed(aMinute(t))
	if err != nil || tip == first {
		t.Fatalf("Proposed = %s, %v", tip, err)
	}
	if _, err := p.FetchProposed(aMinute(t), tip); !errors.Is(err, reconcile.ErrUntrusted) {
		t.Errorf("FetchProposed: %v", err)
	}
	next, err := p.Propose(aMinute(t), tip, main, proposal(main, "mnist", "b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := runGit(t, s.dir, "ls-tree", "-r", "--name-only", string(next)); strings.Contains(got, "more.txt") {
		t.Errorf("the branch holds %q", got)
	}
	if again, err := p.Propose(aMinute(t), next, main, proposal(main, "mnist", "b\n")); err != nil || again != next {
		t.Errorf("what is proposed already is proposed again: %s, %v", again, err)
	}
	// Back to what is merged: the branch then says the same.
	if back, err := p.Propose(aMinute(t), next, main, proposal(main, "mnist", runGit(t, s.dir, "show", string(main)+":selected/mnist.cue")+"\n")); err != nil {
		t.Error(err)
	} else if got := runGit(t, s.dir, "diff", "--name-only", string(main), string(back)); got != "" {
		t.Errorf("the branch differs in %s", got)
	}
}
