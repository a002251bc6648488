//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// withCheck has staging read a seven before it counts.
func (w *world) withCheck() {
	w.Helper()
	digit, err := os.ReadFile("../examples/mnist/digit.json")
	w.must(err)
	w.push("mnist: staging has a check", "engine: false}", fmt.Sprintf(`engine: false, check: {
				data: %s
				#expect: "data.tensor.values.7": >=0.5
			}}`, bytes.TrimSpace(digit)))
}

// permitted gives the daemon the right that is missing at first.
func (w *world) permitted() {
	w.Helper()
	w.stands("release 1 fails its check: no way to Service ml-staging/mnist-main through the API server: " +
		"create on services/proxy is needed: deploy/checks gives the daemon that right; with kubernetes.ingress it needs none (asked: models.cue:39:5)")
	w.must(w.stack.PermitChecks(w.Context()))
	w.stands("available")
}

// stands waits until `trefoil status` says that of staging. What differs from run to run is masked: N are numbers, LOG the lines before
// the last one.
func (w *world) stands(want string) {
	w.Helper()
	said := ""
	defer func() {
		if w.Failed() {
			w.Logf("staging is: %s", said)
		}
	}()
	w.eventually("staging is "+want, patience, func() bool {
		said = w.state("staging")
		return said == want
	})
}

// state is what `trefoil status` says of an environment of mnist.
func (w *world) state(environment string) string {
	w.Helper()
	text, code := w.trefoil("status", "mnist", "-o", "json")
	var said struct {
		States []struct {
			Environment string
			State       []string
		}
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil || code != 0 {
		w.Fatalf("exit code %d, %v:\n%s", code, err, text)
	}
	for _, s := range said.States {
		if s.Environment == environment {
			return unvaried(strings.Join(s.State, "; "))
		}
	}
	w.Fatalf("no %s in\n%s", environment, text)
	return ""
}

// unvaried is a state without what differs from run to run.
func unvaried(state string) string {
	for _, m := range [][2]string{
		{` \(for [0-9a-z]+\)`, ""}, {` is [0-9.e-]+, and`, " is N, and"}, {`restarted [0-9]+ times`, "restarted N times"},
		{`\): .*(RuntimeError: |waits for a )`, "): LOG $1"},
	} {
		state = regexp.MustCompile(m[0]).ReplaceAllString(state, m[1])
	}
	return state
}

// answers asks staging with the built binary, as a person does.
func (w *world) answers(release int) {
	w.Helper()
	text, code := w.trefoil("predict", "mnist", "--environment", "staging", "--data", "@../examples/mnist/digit.json",
		"--kubeconfig", w.stack.Kubeconfig(stack.UserAdmin))
	answer, who, _ := strings.Cut(text, "\n")
	var said struct {
		Data struct{ Tensor struct{ Values []float64 } }
	}
	err := json.Unmarshal([]byte(answer), &said)
	values := said.Data.Tensor.Values
	if err != nil || code != 0 || len(values) != 10 || values[7] < 0.5 {
		w.Errorf("exit code %d, %v: it does not read a seven:\n%s", code, err, text)
	}
	if want := fmt.Sprintf("trefoil: answered by release %d of mnist, %s@%s\n", release, podsImage, w.digest(release)); who != want {
		w.Errorf("it says %q, not %q", who, want)
	}
}

// checkedInPods expects another digit: that is told, nothing is touched, and what was right is right again.
func checkedInPods(w *world) {
	running := w.uids()
	w.push("mnist: a check that can't hold", `"data.tensor.values.7"`, `"data.tensor.values.3"`)
	w.stands("release 1 fails its check: data.tensor.values.3 is N, and has to be >=0.5 (models.cue:40:38) (asked: models.cue:39:5)")
	w.answers(1)
	w.push("mnist: a check that holds", `"data.tensor.values.3"`, `"data.tensor.values.7"`)
	w.stands("available")
	if now := w.uids(); now != running {
		w.Errorf("the pods were %s and are %s", running, now)
	}
}

// uids are those of the pods in staging.
func (w *world) uids() string {
	w.Helper()
	var all []string
	for _, pod := range w.list(pods(), stack.NamespaceStaging) {
		all = append(all, string(pod.GetUID()))
	}
	return strings.Join(all, " ")
}

// What the serving code of mnist is made to do when it begins, in the place of loading its weights.
const (
	begins = "    def __init__(self):\n"
	breaks = `        if "LICENCE" in os.environ:
            import time
            print("waits for a licence", flush=True)
            time.sleep(3600)
        raise RuntimeError("these weights are of another net")
`
)

// brokenInPods packages serving code that raises: that is told with the last line of its log long before the deadline, and the release
// before it goes on answering.
func brokenInPods(w *world) {
	w.replace("mnist: a model that does not start", "serve-mnist/MnistModel.py", begins, begins+breaks)
	w.stands("release 3 is not available: model crashes (exit code 1, restarted N times): LOG RuntimeError: these weights are of another net")
	w.answers(2)
}

// silentInPods has the same image never answer: that is told once its deadline is over, with its log.
func silentInPods(w *world) {
	w.push("mnist: with a licence it may take 15 s, and a second for its end", "engine: false, ", `engine: false, deadline: "15s",
			seldon: spec: predictors: [{name: "main", componentSpecs: [{spec: {
				terminationGracePeriodSeconds: 1
				containers: [{name: "model", env: [{name: "LICENCE", value: "none"}]}]
			}}]}], `)
	w.stands("release 3 is not available: model is ended by a signal, as one that does not answer in time (exit code 137, restarted N times): LOG waits for a licence")
	w.answers(2)
}
