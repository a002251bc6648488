//go:build e2e

package e2e

import (
	"regexp"
	"strings"
)

const beta = "models: beta: {\n\tserve: production: {namespace: \"ml\", release: 2}\n\tselect: #gate: accuracy: "

// promotedByName serves release 2 of beta, which was never the best, in production.
func promotedByName(w *world) {
	w.change(change{
		message: "beta: production serves release 2",
		files:   map[string]string{"beta.cue": `models: beta: serve: production: {namespace: "ml", release: 2}`},
		until:   func() bool { return w.serves("ml", "beta", "2") },
		want:    tally{Writes: []string{"patch seldondeployments ml/beta"}},
	})
}

// gated tightens the gate: production, which names a release below it, is held; the best experiment passes and is selected anew.
func gated(w *world) {
	w.change(change{
		message: "beta: a gate",
		files:   map[string]string{"beta.cue": beta + ">=0.65\n}"},
		until:   func() bool { return w.serves("ml-staging", "beta", "3") },
		want:    tally{Pushes: 1, Writes: []string{"patch seldondeployments ml-staging/beta"}},
	})
	held(w, `accuracy 0\.5`)
}

// gatedOut tightens it so that no experiment passes: all is held, and says what the best one lacks.
func gatedOut(w *world) {
	said := len(w.log())
	w.change(change{
		message: "beta: a gate that none passes",
		files:   map[string]string{"beta.cue": beta + ">=0.9\n}"},
		until:   func() bool { return w.says(said, "beta: hold: none of 3 experiments passes the gate: the best, ") },
	})
	if !w.says(said, "has accuracy 0.7, not >=0.9") {
		w.Errorf("the log does not say what the best one lacks:\n%s", w.log()[said:])
	}
	held(w, `accuracy 0\.5`)
}

// held checks that production is frozen for its release's sake, and that people and CI hear of it.
func held(w *world, why string) {
	w.Helper()
	if !w.serves("ml", "beta", "2") {
		w.Errorf("production does not serve release 2 any more")
	}
	out, code := w.trefoil("status")
	if code != 0 || !regexp.MustCompile(`beta +production +2 +beta\.cue:\d+:\d+: error TRF0505: .*`+why).MatchString(out) {
		w.Errorf("status ends with %d and says\n%s", code, out)
	}
	if out, code := w.trefoil("plan", "--live"); code != 3 || !strings.Contains(out, "TRF0505") {
		w.Errorf("plan --live ends with %d and says\n%s", code, out)
	}
}

// waived switches the check off for production, which moves again.
func waived(w *world) {
	text := strings.Replace(beta, "release: 2", `release: 2, replicas: 2, waive: "the old data is what is asked for"`, 1)
	w.change(change{
		message: "beta: production may miss the gate",
		files:   map[string]string{"beta.cue": text + ">=0.9\n}"},
		until:   func() bool { return w.replicas("ml", "beta") == 2 },
		want:    tally{Writes: []string{"patch seldondeployments ml/beta"}},
	})
}

// gatedAgain goes back to the gate that was answered: no new release, and production is as git says.
func gatedAgain(w *world) {
	text := strings.Replace(beta, "release: 2", `release: 2, replicas: 2, waive: "the old data is what is asked for"`, 1)
	said := len(w.log())
	w.change(change{
		message: "beta: the first gate again",
		files:   map[string]string{"beta.cue": text + ">=0.65\n}"},
		until:   func() bool { return w.says(said, "planning on") },
	})
	if out, code := w.trefoil("plan", "--live", "--detailed-exitcode"); code != 0 {
		w.Errorf("plan --live ends with %d and says\n%s", code, out)
	}
}
