package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/render"
)

// TestForetoldPicks lets people pick winners by hand. What the review says beforehand is what the daemon then does.
func TestForetoldPicks(t *testing.T) {
	h := &history{world: newWorld(t, models)}
	h.settled()
	for _, change := range []struct{ what, edit, want string }{
		{"nobody has picked", `select: by: "hand"`, "select.experiment is to be picked by hand"},
		{"the pick", `select: {by: "hand", experiment: "EXPERIMENT 1"}`, "reselect: release 2, experiment"},
		{"another pick", `select: {by: "hand", experiment: "EXPERIMENT 2"}`, "reselect: release 3, experiment"},
		{"a new search, and a pick of the old one", `{train: revision: 2, select: {by: "hand", experiment: "EXPERIMENT 2"}}`,
			"is none of this search's that succeeded: …"},
		{"the metric again", `train: revision: 2`, "record: release 4, experiment … (accuracy …)"},
	} {
		for n, uid := range h.experiments() {
			change.edit = strings.ReplaceAll(change.edit, fmt.Sprint("EXPERIMENT ", n), uid)
		}
		h.foretold(t, change.what, "models: mnist: "+change.edit+"\n", change.want)
	}
}

// settled makes passes until nothing moves any more.
func (h *history) settled() {
	for range 20 {
		h.pass()
	}
}

// experiments are the uids of those of the first search.
func (h *history) experiments() []string {
	var uids []string
	for _, e := range h.first().Experiments {
		uids = append(uids, e.UID)
	}
	return uids
}

func (h *history) first() (first plan.Observed) {
	for _, o := range h.live(h.searches.Observe) {
		if o.Ref.Kind == render.Search && (first.UID == "" || o.Created.Before(first.Created)) {
			first = o
		}
	}
	return first
}

// foretold merges a change on top of the models, and compares what was said of it with what was done.
func (h *history) foretold(t *testing.T, what, change, want string) {
	t.Helper()
	base := h.catalog()
	h.source.Push(what, map[string][]byte{"models.cue": []byte(models + change)})
	o := h.loop().Options
	r := review.Make(review.Input{Base: review.Side{Name: "base", Catalog: base}, Head: review.Side{Name: "head", Catalog: h.catalog()},
		Settings: o.Settings, Limits: o.Limits})
	if !strings.Contains(r.String(), want) {
		t.Errorf("%s: the review does not say %q:\n%s", what, want, r)
	}
	said, before := []plan.Step(nil), h.log.Len()
	for _, m := range r.Models {
		said = append(said, m.Steps...)
	}
	h.settled()
	log := h.log.String()[before:]
	did := slices.DeleteFunc(actions(log)["mnist"], func(line string) bool { return strings.Contains(line, ": delete: Claim ") }) // with time
	if why := kept(said, did, false); why != "" {
		t.Errorf("%s: %s\nthe review said\n%s\nthe daemon did\n%s", what, why, r, log)
	}
}
