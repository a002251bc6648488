package enginetest

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Push puts one commit on the branch of a Source, as a person would: the files replace those of the same names. Equal pushes on
// equal branches make equal commits.
type Push func(files map[string]string)

// repository is a Source under test.
type repository struct {
	*testing.T
	reconcile.Source
	push Push
}

// Source tests a repository. The branch of each one does not exist before its first push.
func Source(t *testing.T, source func(t *testing.T) (reconcile.Source, Push)) {
	for name, do := range map[string]func(r, twin *repository){
		"no branch": noBranch, "fetch": fetch, "hash": hash, "commit": commit, "stale": stale, "race": race, "cancelled": cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			fresh := func() *repository {
				s, push := source(t)
				return &repository{t, s, push}
			}
			do(fresh(), fresh())
		})
	}
}

func edit(text string) reconcile.Edit {
	return reconcile.Edit{
		Message: "mnist: release 1\n\nTrefoil-Model: mnist\n", Date: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
		Files: map[string][]byte{"selected/mnist.cue": []byte(text)},
	}
}

// begin makes the branch and returns its tip.
func (r *repository) begin() plan.Revision {
	r.Helper()
	r.push(map[string]string{
		"models.cue": "package models\n", "train/run.py": "print(1)\n", "train/lib/a.py": "a = 1\n", "copy/a.py": "a = 1\n",
	})
	return r.at()
}

// at returns the tip.
func (r *repository) at() plan.Revision {
	r.Helper()
	tip, err := r.Tip(r.Context())
	if err != nil || len(tip) != 40 {
		r.Fatalf("tip %q: %v", tip, err)
	}
	return tip
}

// tree fetches the tip.
func (r *repository) tree() schema.Tree {
	r.Helper()
	tree, err := r.Fetch(r.Context(), r.at())
	if err != nil {
		r.Fatal(err)
	}
	return tree
}

func (r *repository) hash(folder string) string {
	r.Helper()
	sum, err := r.tree().Hash(folder)
	if err != nil || len(sum) != 40 {
		r.Fatalf("hash of %s is %q: %v", folder, sum, err)
	}
	return sum
}

// holds checks a file of the tip.
func (r *repository) holds(name, want string) {
	r.Helper()
	if got, err := fs.ReadFile(r.tree(), name); err != nil || string(got) != want {
		r.Errorf("%s is %q, want %q: %v", name, got, want, err)
	}
}

func noBranch(r, twin *repository) {
	elsewhere := twin.begin()
	if tip, err := r.Tip(r.Context()); err == nil {
		r.Errorf("the tip of no branch is %q", tip)
	}
	if _, err := r.Fetch(r.Context(), elsewhere); err == nil {
		r.Error("no branch was fetched")
	}
	if _, err := r.Commit(r.Context(), elsewhere, edit("latest: 1")); err == nil {
		r.Error("a commit was put on no branch")
	}
}

func fetch(r, _ *repository) {
	old := r.begin()
	if err := fstest.TestFS(r.tree(), "models.cue", "train/run.py", "train/lib/a.py"); err != nil {
		r.Error(err)
	}
	r.holds("train/run.py", "print(1)\n")
	r.push(map[string]string{"train/run.py": "print(2)\n"})
	r.holds("train/run.py", "print(2)\n")
	r.holds("models.cue", "package models\n")
	if _, err := r.Fetch(r.Context(), old); !errors.Is(err, reconcile.ErrStale) {
		r.Errorf("fetch of what is no longer the tip: %v", err)
	}
}

func hash(r, _ *repository) {
	r.begin()
	train, lib := r.hash("train"), r.hash("train/lib")
	if lib != r.hash("copy") || train == lib {
		r.Error("folders have not the same hash where they have the same content")
	}
	r.push(map[string]string{"train/run.py": "print(2)\n"})
	if r.hash("train") == train || r.hash("train/lib") != lib {
		r.Error("hashes changed elsewhere than the content did")
	}
	r.push(map[string]string{"train/run.py": "print(1)\n"})
	if r.hash("train") != train {
		r.Error("the content is what it was, the hash is not")
	}
	for _, none := range []string{"nowhere", "train/nowhere", "models.cue", "tra"} {
		if sum, err := r.tree().Hash(none); !errors.Is(err, fs.ErrNotExist) {
			r.Errorf("hash of %s, no folder, is %q: %v", none, sum, err)
		}
	}
}

func commit(r, twin *repository) {
	base := r.begin()
	made, err := r.Commit(r.Context(), base, edit("latest: 1"))
	if err != nil || made == base || made != r.at() {
		r.Fatalf("commit %s: %v", made, err)
	}
	r.holds("selected/mnist.cue", "latest: 1")
	r.holds("train/run.py", "print(1)\n")
	again, err := twin.Commit(r.Context(), twin.begin(), edit("latest: 1"))
	if err != nil || again != made {
		r.Errorf("the same edit of the same base is %s, and then %s: %v", made, again, err)
	}
	// Whoever does not know that it arrived sends it again, and there is still one.
	if repeated, err := r.Commit(r.Context(), base, edit("latest: 1")); repeated != made && !errors.Is(err, reconcile.ErrStale) {
		r.Errorf("repeated: %s, %v", repeated, err)
	}
	if tip := r.at(); tip != made {
		r.Errorf("the tip moved from %s to %s", made, tip)
	}
}

func stale(r, _ *repository) {
	base := r.begin()
	r.tree()
	r.push(map[string]string{"models.cue": "package models // 2\n"})
	tip := r.at()
	if _, err := r.Commit(r.Context(), base, edit("latest: 1")); !errors.Is(err, reconcile.ErrStale) {
		r.Errorf("commit on what is no longer the tip: %v", err)
	}
	if now := r.at(); now != tip {
		r.Errorf("the tip moved from %s to %s", tip, now)
	}
}

// race lets commits on the same base meet: one of them is on the branch then (I3).
func race(r, _ *repository) {
	base := r.begin()
	r.tree()
	made, errs := make([]plan.Revision, 4), make([]error, 4)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() { made[i], errs[i] = r.Commit(r.Context(), base, edit(string(rune('a'+i)))) })
	}
	all.Wait()
	tip, won := r.at(), 0
	for i, err := range errs {
		switch {
		case err == nil && made[i] == tip:
			won++
		case !errors.Is(err, reconcile.ErrStale):
			r.Errorf("commit %s: %v", made[i], err)
		}
	}
	if won != 1 {
		r.Errorf("%d commits of %v are the tip %s", won, made, tip)
	}
}

func cancelled(r, _ *repository) {
	base := r.begin()
	r.tree()
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	_, tip := r.Tip(ctx)
	_, fetch := r.Fetch(ctx, base)
	_, commit := r.Commit(ctx, base, edit("latest: 1"))
	if tip == nil || fetch == nil || commit == nil {
		r.Errorf("with a context that has ended: tip %v, fetch %v, commit %v", tip, fetch, commit)
	}
	if now := r.at(); now != base {
		r.Errorf("the tip moved from %s to %s", base, now)
	}
}
