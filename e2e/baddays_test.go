//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestBadDays has five models in one repository, of which four can't go on, each at another joint: each holds with the numbers or
// the engine's own words, and none delays the fifth (I10).
func TestBadDays(t *testing.T) {
	w := newWorld(t, startStack(t), true)
	_, err := w.git.Seed(t.Context(), "five models", "testdata/baddays")
	w.must(err)
	w.start()
	w.eventually("the image of healthy", patience, func() bool { return len(w.commits("healthy: release 1 is ")) == 1 })
	for _, hold := range []string{
		`failing: hold: 0 of 2 experiments succeeded with a finite accuracy, select.minimum asks for 1; raise train.revision`,
		`forgetful: hold: fetch: sha256 of model.dat of experiment [0-9a-f]{8}: .*notes.txt`,
		`gated: hold: none of 2 experiments passes the gate: the best, [0-9a-f]{8} \(accuracy 0.5[0-9]+\), has accuracy 0.5[0-9]+, not >=0.9`,
		`unbuildable: hold: build of release 1 failed: .*exit code 1.*; once the cause is gone, trefoil retry unbuildable builds it again`,
	} {
		w.eventually(hold, time.Minute, func() bool { return regexp.MustCompile(hold).MatchString(w.log()) })
	}
	if n := len(w.runs("kind:matrix")); n != 5 {
		t.Errorf("I1: %d searches of five models", n)
	}
	if n := len(w.list(workflows(), "")); n != 2 {
		t.Errorf("I1: %d Workflows, of healthy and unbuildable", n)
	}
	t.Run("rebuild", func(t *testing.T) { inner := *w; inner.T = t; rebuilt(&inner) })
	t.Run("branch", func(t *testing.T) { inner := *w; inner.T = t; branchGone(&inner) })
}

// rebuilt mends the build and asks for it once more: a second Workflow, and no training.
func rebuilt(w *world) {
	w.push("unbuildable: build again", `labels: "sim.test/outcome": "fail"`, `package: attempt: 2`)
	w.eventually("the image of unbuildable", time.Minute, func() bool { return len(w.commits("unbuildable: release 1 is ")) == 1 })
	if n, m := len(w.runs("kind:matrix")), len(w.list(workflows(), "")); n != 5 || m != 3 {
		w.Errorf("%d searches and %d Workflows, not 5 and 3", n, m)
	}
}

// branchGone deletes the branch: one plain line, nothing is deleted or written, and all goes on when it is back (I9).
func branchGone(w *world) {
	w.eventually("two models are served", time.Minute, func() bool { return len(w.list(seldonDeployments(), "ml-staging")) == 2 })
	time.Sleep(3 * time.Second)
	before := len(w.writes())
	tip, err := w.git.DeleteBranch(w.Context())
	w.must(err)
	w.eventually("the log says that the branch is gone", time.Minute, func() bool {
		return strings.Contains(w.log(), `has no commits yet: push a first commit to branch \"main\"`)
	})
	time.Sleep(2 * time.Second)
	w.must(w.git.RestoreBranch(w.Context(), tip))
	w.push("healthy: two replicas", "models: healthy: {}", "models: healthy: serve: staging: replicas: 2")
	w.eventually("healthy is updated", time.Minute, func() bool { return len(w.writes()) > before })
	if writes := w.writes()[before:]; len(writes) != 1 || writes[0].Name != "healthy" {
		w.Errorf("the daemon wrote %+v", writes)
	}
}
