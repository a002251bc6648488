//go:build e2e

package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// TestLeader has two daemons for one repository: the one that leads is stopped in mid-search, and woken when the other has taken over
// and gone on. Counted at the servers: one search, one commit a step, and nothing that the woken one changed (I1, I2, I3).
func TestLeader(t *testing.T) {
	w := newWorld(t, startStack(t), true)
	_, err := w.git.Seed(t.Context(), "mnist", "../examples/mnist")
	w.must(err)
	first := w.another("first.log")
	w.eventually("a search", time.Minute, func() bool { return w.agent.Begun() > 0 })
	w.start()
	w.eventually("the second daemon waits", time.Minute, func() bool { return strings.Contains(w.log(), "waits: another daemon leads") })
	if out, code := w.trefoil("status"); code != 0 || !regexp.MustCompile(`(?m)^daemon: \S+ leads, seen \d+s ago, plans on [0-9a-f]{7,} since `).MatchString(out) {
		w.Errorf("status ends with %d and says\n%s", code, out)
	}
	w.must(first.Process.Signal(syscall.SIGSTOP))
	w.eventually("the second daemon leads", time.Minute, func() bool { return strings.Contains(w.log(), "msg=leads ") })
	w.eventually("the commit of release 1", patience, func() bool { return len(w.commits("mnist: release 1, experiment ")) == 1 })
	before := w.rejected()
	w.must(first.Process.Signal(syscall.SIGCONT))
	w.eventually("the woken daemon waits", time.Minute, func() bool {
		return strings.Contains(w.read("first.log"), "leads no longer") && strings.Count(w.read("first.log"), "waits: another daemon leads") == 1
	})
	w.eventually("the commit of the image", patience, func() bool { return len(w.commits("mnist: release 1 is ")) == 1 })
	w.available(stack.NamespaceStaging, output(w.list(workflows(), "")[0]))
	t.Logf("refused by compare-and-swap after the wake: %d writes", w.rejected()-before)
	w.linear(3)
	handover(w, first)
	w.linear(4)
}

// handover ends the daemon that leads by SIGTERM: the other one acts within seconds, not within a lease.
func handover(w *world, first *exec.Cmd) {
	w.must(w.daemon.Process.Signal(syscall.SIGTERM))
	w.must(w.daemon.Wait())
	begin := time.Now()
	w.eventually("the first daemon leads again", 30*time.Second, func() bool { return strings.Count(w.read("first.log"), "msg=leads ") == 2 })
	if took := time.Since(begin); took > 10*time.Second {
		w.Errorf("after SIGTERM nobody led for %v", took)
	}
	w.push("mnist: production serves release 1", "release: 2", "release: 1")
	w.available(stack.NamespaceProduction, output(w.list(workflows(), "")[0]))
	w.must(first.Process.Kill())
	_ = first.Wait()
	time.Sleep(16 * time.Second)
	if out, _ := w.trefoil("status"); !regexp.MustCompile(`(?m)^daemon: not seen for \d+s \(last: \S+\): nothing moves until one runs$`).MatchString(out) {
		w.Errorf("without a daemon status says\n%s", out)
	}
}

// linear proves that each step was made once, by whichever daemon, in so many commits.
func (w *world) linear(commits int) {
	if n := len(w.runs("kind:matrix")); n != 1 {
		w.Errorf("I1: %d searches", n)
	}
	if n := len(w.list(workflows(), "")); n != 1 {
		w.Errorf("I1: %d Workflows", n)
	}
	if n, m := len(w.commits("mnist: release 1, ")), len(w.commits("mnist: release 1 is ")); n != 1 || m != 1 {
		w.Errorf("I2: %d and %d commits", n, m)
	}
	if n := len(w.commits("")); n != commits {
		w.Errorf("I3: %d commits: the seed, the release and the image, and what people pushed", n)
	}
	made := map[string]int{}
	for _, x := range w.writes() {
		if x.Code < 300 && !x.DryRun && x.Resource != "configmaps" {
			made[x.Verb+" "+x.Resource+" "+x.Namespace]++
		}
	}
	for what, n := range made {
		if n != 1 {
			w.Errorf("%d times: %s", n, what)
		}
	}
}

// rejected counts the writes that lost a race.
func (w *world) rejected() int {
	all, err := w.stack.Writes(stack.UserDaemon)
	w.must(err)
	n := 0
	for _, x := range all {
		if x.Code == 409 {
			n++
		}
	}
	return n
}
