//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// TestProposals has the daemon leave what it records in a branch of its own: nothing is pushed to main and nothing is served until people
// merge that branch, which then carries the release and its image (I4).
func TestProposals(t *testing.T) {
	w := newWorld(t, startStack(t), true)
	config, err := os.ReadFile(w.config)
	w.must(err)
	w.must(os.WriteFile(w.config, []byte(strings.Replace(string(config), "repository:\n", "repository:\n  commitTo: trefoil\n", 1)), 0o600))
	_, err = w.git.Seed(t.Context(), "mnist", "../examples/mnist")
	w.must(err)
	w.start()
	w.eventually("release 1 is proposed with its image", 2*patience, func() bool {
		return strings.Contains(w.log(), "mnist: hold: release 1 is proposed: merge it to serve it")
	})
	if n := len(w.commits("")); n != 1 {
		t.Errorf("main has %d commits, not the seed alone", n)
	}
	if n := len(w.list(seldonDeployments(), "")); n != 0 {
		t.Errorf("I4: %d objects are served that nobody merged", n)
	}
	if out, code := w.trefoil("status"); code != 0 || !strings.Contains(out, "release 1 is proposed") {
		t.Errorf("status ends with %d and says\n%s", code, out)
	}
	_, err = w.git.Push(t.Context(), "Merge branch trefoil", func(dir string) error {
		merge := exec.CommandContext(t.Context(), "git", "checkout", "origin/trefoil", "--", "selected")
		merge.Dir = dir
		return merge.Run()
	})
	w.must(err)
	w.available(stack.NamespaceStaging, output(w.list(workflows(), "")[0]))
	w.eventually("the proposal is merged", time.Minute, func() bool {
		out, _ := w.trefoil("status")
		return !strings.Contains(out, "proposed")
	})
	if n, m := len(w.runs("kind:matrix")), len(w.list(workflows(), "")); n != 1 || m != 1 || len(w.commits("")) != 2 {
		t.Errorf("I1, I2: %d searches, %d Workflows, main has %d commits", n, m, len(w.commits("")))
	}
}
