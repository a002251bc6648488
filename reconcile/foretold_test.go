package reconcile_test

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestForetold merges one pull request after the other. What its review said beforehand is, word for word and model by model, what
// the daemon then says and does, and no other model's live objects change.
func TestForetold(t *testing.T) {
	t.Parallel()
	j, merged := newJudge(), 0
	rapid.Check(t, func(t *rapid.T) {
		h := &history{world: newWorld(t, "package models\n\nmodels: {}\n"), people: begin(), moves: map[string]string{}}
		h.load = j.load
		h.limits.Deletions = rapid.IntRange(1, 5).Draw(t, "deletions")
		h.push("start")
		h.converge()
		for range rapid.IntRange(1, 6).Draw(t, "pull requests") {
			base, before, said := h.catalog(), h.objects(), h.log.Len()
			for range rapid.IntRange(1, 3).Draw(t, "edits") {
				rapid.SampledFrom([]func(*rapid.T){h.edit, h.edit, h.edit, h.edit, h.rename}).Draw(t, "edit")(t)
			}
			r := h.reviewed(base)
			done := h.done(base)
			h.converge()
			if done {
				h.compare(t, r, before, h.log.String()[said:])
				merged++
			}
		}
	})
	if merged < 10 {
		t.Errorf("%d pull requests were compared", merged)
	}
}

// done reports whether all that a revision asks for is carried out, as a review takes it: no error or hold is in the way.
func (h *history) done(c schema.Catalog) bool {
	places := map[string]bool{}
	if len(c.Findings) > 0 {
		return false
	}
	for _, m := range c.Models {
		if _, built := plan.Building(m, c.Selected[m.Name]); !built {
			return false
		}
		for _, e := range m.Serve {
			places[m.Name+"/"+e.Name] = true
		}
	}
	for _, o := range h.live(h.cluster.Observe) {
		if o.Ref.Kind == render.SeldonDeployment && !places[o.Model+"/"+o.Environment] {
			return false
		}
	}
	return true
}

// reviewed is the review of what was pushed since the base.
func (h *history) reviewed(base schema.Catalog) review.Review {
	tip, err := h.source.Tip(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	o := h.loop().Options
	return review.Make(review.Input{
		Base: review.Side{Name: "base", Catalog: base}, Head: review.Side{Name: "head", Revision: tip, Catalog: h.catalog()},
		Settings: o.Settings, Limits: o.Limits,
	})
}

// objects are what is live of each model, without claims, which go with time.
func (h *history) objects() map[string][]string {
	all := map[string][]string{}
	for _, o := range slices.Concat(h.live(h.searches.Observe), h.live(h.cluster.Observe)) {
		if o.Ref.Kind != render.Claim {
			all[o.Model] = append(all[o.Model], fmt.Sprint(o.Ref, o.Digest, o.Release, o.Phase))
		}
	}
	for _, list := range all {
		slices.Sort(list)
	}
	return all
}

var acted = regexp.MustCompile(`msg="?([^"\n]*)"?`)

// actions are what a log tells that was done, by model; adopt and fetch are bookkeeping.
func actions(log string) map[string][]string {
	all := map[string][]string{}
	for _, m := range acted.FindAllStringSubmatch(log, -1) {
		place, what, found := strings.Cut(m[1], ": ")
		word, _, _ := strings.Cut(what, ": ")
		if model, _, _ := strings.Cut(place, "/"); found && !slices.Contains([]string{"adopt", "fetch", "hold"}, word) && !strings.Contains(place, " ") {
			all[model] = append(all[model], m[1])
		}
	}
	return all
}

func (h *history) compare(t *rapid.T, r review.Review, before map[string][]string, log string) {
	did, after := actions(log), h.objects()
	names := maps.Clone(after)
	maps.Copy(names, before)
	said := map[string][]plan.Step{}
	for _, m := range r.Models {
		for _, s := range m.Steps {
			said[s.Scope.Model] = append(said[s.Scope.Model], s)
			names[s.Scope.Model] = nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for i, s := range said[name] {
			if searched(s, before) {
				said[name][i].If = "unless it is there"
			}
		}
		if why := kept(said[name], did[name], strings.Contains(log, "passes the gate")); why != "" {
			t.Fatalf("%s: %s\nthe review said\n%s\nthe daemon did\n%s", name, why, r, log)
		}
		if d := gocmp.Diff(before[name], after[name]); d != "" && len(said[name]) == 0 {
			t.Fatalf("%s changed, and the review did not say so:\n%s\n%s", name, d, r)
		}
	}
}

// searched reports whether a search that is to be started is there already, under any name, though git has no release of it: that
// takes --live.
func searched(s plan.Step, live map[string][]string) bool {
	_, digest, _ := strings.Cut(s.Text, "-v1-")
	for _, objects := range live {
		if s.Experiments > 0 && slices.ContainsFunc(objects, func(o string) bool {
			return strings.HasPrefix(o, "Search ") && strings.Contains(o, "-v1-"+digest)
		}) {
			return true
		}
	}
	return false
}

// kept says in what the daemon did something else than was said: each line once, in the order that was said. A ranking that nobody
// wins leads to nothing.
func kept(said []plan.Step, did []string, nobody bool) string {
	said = slices.Clone(said)
	slices.SortStableFunc(said, func(a, b plan.Step) int { return cmp.Compare(a.Pass, b.Pass) })
	for _, line := range did {
		i := slices.IndexFunc(said, func(s plan.Step) bool { return alike(s, line) })
		if i < 0 {
			return "it was not said that: " + line
		}
		if !strings.HasPrefix(said[i].If, "each") {
			said = slices.Delete(said, i, i+1)
		}
	}
	for _, s := range said {
		if s.If == "" && !nobody {
			return "it was said and not done that: " + s.String()
		}
	}
	return ""
}

// alike reports whether a line of the log is what a step said, with … for what nobody could know.
func alike(s plan.Step, line string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(s.String()), "…", ".+")
	return regexp.MustCompile("^" + pattern + "$").MatchString(line)
}
