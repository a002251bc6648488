//go:build e2e

package e2e

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChanges goes through what people change of models that are served, and counts at the servers all that each change does
// (I1, I4, I8, I9, I10).
func TestChanges(t *testing.T) {
	w := quickWorld(t, map[string]string{
		"alpha.cue": "models: alpha: {}", "beta.cue": "models: beta: {}", "gamma.cue": "models: gamma: {}",
	}, "")
	strangers := foreign(w)
	w.start()
	w.eventually("three models are served", patience, func() bool {
		return w.serves("ml-staging", "alpha", "1") && w.serves("ml-staging", "beta", "1") && w.serves("ml-staging", "gamma", "1")
	})
	w.settle()
	if n, m := len(w.runs("kind:matrix")), w.agent.Begun(); n != 3 || m != 9 {
		t.Fatalf("I1: %d searches with %d experiments of three models, not 3 with 9", n, m)
	}
	w.steps(t, []step{
		{"same winner", sameWinner}, {"other winner", otherWinner}, {"reverted selection", selectedBack},
		{"replicas", scaled}, {"retrain", retrained}, {"reverted training", trainedBack},
		{"broken", broken}, {"mended", mended},
		{"promote", promotedByName}, {"gate", gated}, {"gate that none passes", gatedOut}, {"waived", waived}, {"gate again", gatedAgain},
		{"drift", drifted}, {"occupied object", occupiedObject}, {"occupied claim", occupiedClaim}, {"removed", removed},
		{"strangers", func(w *world) { untouched(w, strangers) }},
	})
}

// sameWinner ranks anew with the same outcome: a release that has its image already.
func sameWinner(w *world) {
	image, _ := w.image("ml-staging", "alpha")
	w.change(change{
		message: "alpha: two of three have to succeed",
		files:   map[string]string{"alpha.cue": "models: alpha: select: minimum: 0.6"},
		until:   func() bool { return w.serves("ml-staging", "alpha", "2") },
		want:    tally{Pushes: 1, Writes: []string{"patch seldondeployments ml-staging/alpha"}},
	})
	if now, _ := w.image("ml-staging", "alpha"); now != image {
		w.Errorf("the same experiment was served as %s, and is as %s", image, now)
	}
}

// otherWinner ranks anew, and another experiment of the same search wins: nothing is trained, one image is built.
func otherWinner(w *world) {
	image, _ := w.image("ml-staging", "beta")
	w.change(change{
		message: "beta: the smallest loss",
		files:   map[string]string{"beta.cue": `models: beta: select: {metric: "loss", goal: "minimize"}`},
		until:   func() bool { return w.serves("ml-staging", "beta", "2") },
		want: tally{
			Calls:  1, // the sha256 of the other artifact is noted
			Pushes: 2,
			Writes: []string{"create workflows argo/beta-pkg", "patch seldondeployments ml-staging/beta"},
		},
	})
	if now, _ := w.image("ml-staging", "beta"); now == image {
		w.Errorf("another experiment is served with the same image %s", image)
	}
}

// selectedBack reverts that: the first release is the latest again.
func selectedBack(w *world) {
	w.change(change{
		message: "beta: the largest accuracy again",
		files:   map[string]string{"beta.cue": "models: beta: {}"},
		until:   func() bool { return w.serves("ml-staging", "beta", "1") },
		want:    tally{Pushes: 1, Writes: []string{"patch seldondeployments ml-staging/beta"}},
	})
	if n := len(w.commits("beta: latest is release 1")); n != 1 {
		w.Errorf("%d commits say that latest is release 1", n)
	}
}

// scaled changes how a release is served: one patch, and nothing else anywhere.
func scaled(w *world) {
	w.change(change{
		message: "alpha: two replicas",
		files:   map[string]string{"alpha.cue": "models: alpha: {select: minimum: 0.6, serve: staging: replicas: 2}"},
		until:   func() bool { return w.replicas("ml-staging", "alpha") == 2 },
		want:    tally{Writes: []string{"patch seldondeployments ml-staging/alpha"}},
	})
}

// retrained searches again, and the first release serves until the second has its image.
func retrained(w *world) {
	first, _ := w.image("ml-staging", "gamma")
	looks := 0
	w.change(change{
		message: "gamma: train again",
		files:   map[string]string{"gamma.cue": "models: gamma: train: revision: 2"},
		until: func() bool {
			image, _ := w.image("ml-staging", "gamma") // before git is asked: it comes first
			built := len(w.commits("gamma: release 2 is ")) > 0
			if looks++; image != first && !built {
				w.Fatalf("I4: %s is served while release 2 has no image", image)
			}
			return w.serves("ml-staging", "gamma", "2")
		},
		want: tally{
			Searches: 1, Experiments: 3, Calls: 2, Pushes: 2,
			Writes: []string{
				"create configmaps argo/gamma", "create workflows argo/gamma-pkg", "patch seldondeployments ml-staging/gamma",
				"update configmaps argo/gamma",
			},
		},
	})
	if looks < 5 {
		w.Errorf("what was served during the search was looked at %d times only", looks)
	}
}

// trainedBack reverts that, with no training and no build.
func trainedBack(w *world) {
	w.change(change{
		message: "gamma: as it was",
		files:   map[string]string{"gamma.cue": "models: gamma: {}"},
		until:   func() bool { return w.serves("ml-staging", "gamma", "1") },
		want:    tally{Pushes: 1, Writes: []string{"patch seldondeployments ml-staging/gamma"}},
	})
}

// broken breaks one model; the two others move in the same commit (I10).
func broken(w *world) {
	before, said := w.versions(), len(w.log())
	w.change(change{
		message: "beta: a typo; alpha and gamma: replicas",
		files: map[string]string{
			"alpha.cue": "models: alpha: {select: minimum: 0.6, serve: staging: replicas: 3}",
			"beta.cue":  `models: beta: select: metrik: "loss"`,
			"gamma.cue": "models: gamma: serve: staging: replicas: 2",
		},
		until: func() bool {
			return w.replicas("ml-staging", "alpha") == 3 && w.replicas("ml-staging", "gamma") == 2 && w.says(said, "metrik")
		},
		want: tally{Writes: []string{"patch seldondeployments ml-staging/alpha", "patch seldondeployments ml-staging/gamma"}},
	})
	const name = "seldondeployments ml-staging/beta"
	if after := w.versions(); after[name] != before[name] {
		w.Errorf("%s is at %s and was at %s", name, after[name], before[name])
	}
	where := regexp.MustCompile(`beta\.cue:3:\d+: error TRF\d+: .*metrik`)
	if out, _ := w.trefoil("status"); !where.MatchString(out) || !regexp.MustCompile(`alpha +staging +2 +available`).MatchString(out) {
		w.Errorf("status says\n%s", out)
	}
}

// mended takes the typo back: nothing is to be done.
func mended(w *world) {
	said := len(w.log())
	w.change(change{
		message: "beta: no typo",
		files:   map[string]string{"beta.cue": "models: beta: {}"},
		until:   func() bool { return w.says(said, "findings=0") },
	})
}

// removed takes a model away: its objects go, its neighbours, its runs and its releases stay (I9).
func removed(w *world) {
	before, runs := w.versions(), len(w.runs(""))
	w.change(change{
		message: "gamma: not needed any more",
		files:   map[string]string{"gamma.cue": ""},
		until:   func() bool { return w.deployment("ml-staging", "gamma") == nil },
		want: tally{Writes: []string{
			"delete seldondeployments ml-staging/gamma", "delete workflows argo/gamma-pkg", "delete workflows argo/gamma-pkg",
		}},
	})
	maps.DeleteFunc(before, func(name, _ string) bool {
		build := strings.HasPrefix(name, "workflows argo/gamma-pkg-v1-") && !strings.HasSuffix(name, strangerDigest)
		return build || name == "seldondeployments ml-staging/gamma"
	})
	if diff := cmp.Diff(before, w.versions()); diff != "" {
		w.Errorf("I9: what is left (-before +after)\n%s", diff)
	}
	if n := len(w.runs("")); n != runs {
		w.Errorf("%d runs at Polyaxon, there were %d", n, runs)
	}
	if _, err := w.git.ReadFile(w.Context(), "selected/gamma.cue"); err != nil {
		w.Errorf("I2: the releases of gamma: %v", err)
	}
}
