package reconcile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// often is how many passes there are to one whose planner input is compared before and after.
const often = 20

func names(p people) []string { return slices.Sorted(maps.Keys(p)) }

// passed checks one pass, of which the writes are.
func (h *history) passed(p reconcile.Pass, holder string, writes []string) {
	h.frozen(p, writes)
	h.again(p, holder)
	h.fused(p)
	h.answered(p)
	for _, what := range writes {
		if strings.HasPrefix(what, "create Search") {
			h.started = append(h.started, h.now)
		}
	}
	h.hourly()
}

// frozen checks that nothing was written about what a finding freezes (I4).
func (h *history) frozen(p reconcile.Pass, writes []string) {
	for _, m := range names(h.people) {
		for _, what := range writes {
			if _, frozen := p.Catalog.Frozen(m, ""); frozen && concerns(what, m) {
				h.Fatalf("I4: %s is frozen, and yet: %s", m, what)
			}
		}
	}
	for ref, objects := range p.Live.Objects {
		for _, o := range objects {
			if _, frozen := p.Catalog.Frozen(o.Model, o.Environment); !frozen || o.Environment == "" {
				continue
			}
			for _, what := range writes {
				if strings.HasSuffix(what, " "+ref.String()) {
					h.Fatalf("I4: %s/%s is frozen, and yet: %s", o.Model, o.Environment, what)
				}
			}
		}
	}
}

// again makes the plan once more: same input, same bytes (I8), and the input stays as it is.
func (h *history) again(p reconcile.Pass, holder string) {
	in := plan.Input{
		Catalog: p.Catalog, Live: p.Live, Settings: h.loop().Settings, Revision: p.Revision, Now: h.now, Limits: h.limits,
		Holder: holder, Asking: true,
	}
	h.passes++
	before := ""
	if h.passes%often == 0 {
		before = printed(in)
	}
	if got := plan.Make(in).String(); got != p.Plan.String() {
		h.Fatalf("I8: the plan was\n%s\nand is\n%s", p.Plan, got)
	}
	if before != "" && before != printed(in) {
		h.Fatalf("the planner changed its input:\n%s\nis now\n%s", before, printed(in))
	}
}

// printed is all of an input, what it points to included.
func printed(in plan.Input) string {
	catalog, err := json.Marshal(in.Catalog)
	in.Catalog = schema.Catalog{}
	return fmt.Sprintf("%s %v %+v", catalog, err, in)
}

// fused counts what a pass deletes because git does not have it any more: of what retired does not name at most the limit, less than
// half of what there is, and nothing that was held by the fuse before (I9).
func (h *history) fused(p reconcile.Pass) {
	unnamed, all, ours := 0, 0, 0
	for _, objects := range p.Live.Objects {
		for _, o := range objects {
			if counts(o) {
				ours++
			}
		}
	}
	for _, a := range p.Plan.Actions {
		r, ok := a.(plan.Remove)
		if !ok || !strings.HasSuffix(r.Reason, "left models") && !strings.HasSuffix(r.Reason, "left serve") {
			continue
		}
		if !counts(r.Object) {
			continue
		}
		all++
		_, named := p.Catalog.Retired[r.Object.Model]
		if _, place := p.Catalog.Retired[r.Object.Model+"/"+r.Object.Environment]; !named && !place {
			unnamed++
			if h.held[r.Object.UID] && len(p.Catalog.Retired) > 0 {
				h.Fatalf("I9: %s was held beside what retired names, and goes unnamed:\n%s", r.Object.Ref, p.Plan)
			}
		}
	}
	if unnamed > 0 && (all > h.limits.Deletions || 2*all > ours) {
		h.Fatalf("I9: %d of %d objects are deleted at once:\n%s", all, ours, p.Plan)
	}
	for _, hold := range p.Plan.Holds {
		if strings.Contains(hold.Reason, "this pass would delete") {
			h.hold(p, hold)
		}
	}
}

// counts reports whether the fuse counts an object.
func counts(o plan.Observed) bool {
	return o.Ref.Kind == render.SeldonDeployment || o.Ref.Kind != render.Claim && o.Phase == plan.Running
}

// hold remembers what the fuse holds.
func (h *history) hold(p reconcile.Pass, hold plan.Hold) {
	for _, objects := range p.Live.Objects {
		for _, o := range objects {
			if o.Model == hold.Model && o.Environment == hold.Environment && strings.HasPrefix(hold.Reason, o.Ref.String()+" ") {
				h.held[o.UID] = true
			}
		}
	}
}

// hourly counts the experiments of the last hour: more than the limit only where one search is larger by itself.
func (h *history) hourly() {
	n := 0
	for _, t := range h.started {
		if h.now.Sub(t) < time.Hour {
			n++
		}
	}
	const each = 3
	if n > 1 && n*each > h.limits.ExperimentsPerHour && !h.tampered { // of a run that people deleted before it was noted nobody knows
		h.Fatalf("%d experiments in an hour of at most %d", n*each, h.limits.ExperimentsPerHour)
	}
}

// check is what holds at any time.
func (h *history) check() {
	c := h.catalog()
	for model, before := range h.before {
		h.kept(model, before, c.Selected[model])
	}
	h.before = c.Selected
	h.ranked(c)
	h.once()
	h.served(c)
}

// kept compares what was recorded with what is there now (I2).
func (h *history) kept(model string, before, now schema.Selected) {
	if now.Last < before.Last || now.Last < len(now.Releases) {
		h.Fatalf("I2: %s: last went from %d to %d", model, before.Last, now.Last)
	}
	for _, r := range before.Releases {
		kept, _ := now.Release(r.Number)
		if r.Image == "" {
			kept.Image = ""
		}
		if !reflect.DeepEqual(kept, r) {
			h.Fatalf("I2: %s: release %d was %+v and is %+v", model, r.Number, r, kept)
		}
	}
}

// ranked checks that no release is of a search that was stopped.
func (h *history) ranked(c schema.Catalog) {
	stopped := map[string]bool{}
	for _, o := range h.live(h.searches.Observe) {
		stopped[o.UID[24:]] = o.Phase == plan.Stopped
	}
	for name, s := range c.Selected {
		for _, r := range s.Releases {
			if stopped[r.Experiment[:8]] {
				h.Fatalf("%s: release %d is of a search that was stopped", name, r.Number)
			}
		}
	}
}

// once counts the creates of each search (I1).
func (h *history) once() {
	created := map[string]int{}
	for _, what := range h.searches.Writes {
		if created[what]++; strings.HasPrefix(what, "create ") && created[what] > 1 && !h.tampered {
			h.Fatalf("I1: %s %d times", what, created[what])
		}
	}
	for now, old := range h.moves {
		for what := range created {
			digest, found := strings.CutPrefix(what, "create Search "+old+"-v1-")
			if again := "create Search " + now + "-v1-" + digest; found && created[again] > 0 && !h.tampered {
				h.Fatalf("I1: %s is trained again as %s", what, again)
			}
		}
	}
}

// served compares what is served with the images that git holds (I4).
func (h *history) served(c schema.Catalog) {
	images := map[string]bool{}
	for _, s := range c.Selected {
		for _, r := range s.Releases {
			images[r.Image] = true
		}
	}
	for _, o := range h.live(h.cluster.Observe) {
		if o.Ref.Kind == render.SeldonDeployment && !images[o.Image] {
			h.Fatalf("I4: %s serves %s, which no release has", o.Ref, o.Image)
		}
		if strings.HasPrefix(o.Image, "evil") && o.Ref.Kind == render.SeldonDeployment {
			h.Fatalf("I4: %s serves %s", o.Ref, o.Image)
		}
	}
}

func (h *history) live(observe func(context.Context) (plan.Live, error)) []plan.Observed {
	live, err := observe(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	var all []plan.Observed
	for _, objects := range live.Objects {
		all = append(all, objects...)
	}
	return all
}

// settle lets the faults stop, and people do what they are asked for, until a pass has nothing to do; then it compares the engines
// with git (I5). A pass is quiet after which the engines had nothing to do, and time alone has nothing to bring.
func (h *history) settle() {
	const most, enough = 100, 5
	h.source.Race, h.fates = nil, nil
	for n, quiet := 0, 0; ; n++ {
		idle, text := h.idle(h.day())
		switch {
		case h.help(text), h.moved, strings.Contains(text, "is not confirmed"):
			quiet = 0
		case strings.Contains(text, "in an hour"):
			h.now, quiet = h.now.Add(time.Hour), 0
		case idle:
			h.check()
			h.right(text)
			return
		default:
			quiet++
		}
		if quiet > enough || n > most {
			h.Fatalf("I5: no fixpoint after %d passes, %d of them quiet; the plan is still\n%s", n, quiet, text)
		}
	}
}

// idle reports whether no daemon has anything to do, but about the model of which everything fails.
func (h *history) idle(passes []reconcile.Pass) (bool, string) {
	idle, text := true, ""
	for _, p := range passes {
		for _, a := range p.Plan.Actions {
			idle = idle && h.failing != "" && a.Scope().Model == h.failing
		}
		text = p.Plan.String()
	}
	return idle, text
}

// right compares the engines with git.
func (h *history) right(text string) {
	c, serving, want := h.catalog(), map[string]string{}, map[string]string{}
	for _, o := range h.live(h.cluster.Observe) {
		place := o.Model + "/" + o.Environment
		if o.Ref.Kind == render.SeldonDeployment && o.Model != h.failing && !strings.Contains(text, place+": hold: ") {
			serving[place] = o.Image
		}
	}
	for _, m := range c.Models {
		if m.Name == h.failing {
			continue
		}
		latest, _ := c.Selected[m.Name].Release(c.Selected[m.Name].Latest)
		if latest.Answers != m.Digests || latest.Image == "" {
			h.Fatalf("I5: %s: latest is %+v, asked for are %+v; the plan is\n%s", m.Name, latest, m.Digests, text)
		}
		for _, e := range m.Serve {
			if r, waits := plan.Served(c.Selected[m.Name], e); waits == "" {
				want[m.Name+"/"+e.Name] = r.Image
			}
		}
	}
	if !reflect.DeepEqual(serving, want) {
		h.Fatalf("I5: served is %v, asked for is %v; the plan is\n%s", serving, want, text)
	}
	for _, o := range h.live(h.searches.Observe) {
		if o.Phase == plan.Running && o.Model != h.failing {
			h.Fatalf("I1: %s is left running", o.Ref)
		}
	}
}
