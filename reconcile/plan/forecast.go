package plan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Forecast is what a plan leads to, pass by pass, if every search has a winner and every build and roll-out succeeds.
type Forecast struct {
	Steps []Step
	// Holds are those of the last pass, after which nothing moves any more.
	Holds []Hold
	// Catalog and Live are how things stand then. Releases that the forecast imagines have "…" for what only the engines know.
	Catalog schema.Catalog
	Live    Live
}

// Step is something that will be done.
type Step struct {
	Scope schema.Scope
	Word  string
	Text  string // what the action will say; "…" stands for what only the engines know
	// Pass orders the steps: what is of a lower one has to succeed first.
	Pass int
	// If says on what it depends whether this happens at all; empty for a step that follows from git alone.
	If string
	// Experiments is how many a search starts; 0 for other steps.
	Experiments int
}

// String is "mnist: record: release 3, experiment …".
func (s Step) String() string { return s.Scope.String() + ": " + s.Word + ": " + s.Text }

// Assumed is the message of a search of which git has no release: it may still run.
const Assumed = "no release of it is known"

// unknown stands for what only the engines know.
const unknown = "…"

// imagined is unknown, and yet told from what comes of other digests.
func imagined(from ...schema.Digest) string {
	text := unknown
	for _, d := range from {
		text += d.Short()
	}
	return text
}

// told is a text as people read it: what is unknown is no more than that.
func told(text string) string {
	parts := strings.Split(text, unknown)
	for i := range parts[1:] {
		parts[i+1] = strings.TrimLeft(parts[i+1], "v-0123456789abcdef")
	}
	return strings.Join(parts, unknown)
}

// mostPasses is more than any plan needs to come to rest.
const mostPasses = 12

// Foresee follows a plan to its end. The hourly fuse only delays, so it is left out.
func Foresee(in Input) Forecast {
	if in.Desired == nil {
		in.Desired = Desire(in.Catalog, in.Settings)
	}
	in.Catalog.Selected, in.Desired = cloned(in.Catalog.Selected), cloned(in.Desired)
	in.Live.Objects = cloned(in.Live.Objects)
	in.Limits.ExperimentsPerHour = math.MaxInt
	f := foresight{in: in, perhaps: map[string]string{}}
	var holds []Hold
	for range mostPasses {
		p := Make(f.in)
		for _, a := range p.Actions {
			f.carry(a)
		}
		f.pass++
		moved := f.settle()
		f.pass++
		if holds = p.Holds; len(p.Actions) == 0 && !moved {
			break
		}
	}
	return Forecast{Steps: f.steps, Holds: holds, Catalog: f.in.Catalog, Live: f.in.Live}
}

func cloned[M ~map[K]V, K comparable, V any](m M) M {
	if m == nil {
		return M{}
	}
	return maps.Clone(m)
}

// foresight is the state of the world while a plan is followed.
type foresight struct {
	in      Input
	pass    int
	steps   []Step
	perhaps map[string]string // by model, on what its build depends
}

// carry imagines that an action was carried out.
func (f *foresight) carry(a Action) {
	step := Step{Scope: a.Scope(), Pass: f.pass}
	_, rest, _ := strings.Cut(told(a.String()), ": ")
	step.Word, step.Text, _ = strings.Cut(rest, ": ")
	switch a := a.(type) {
	case Rerun:
		step.Experiments = a.Experiments
		f.submitted(a)
	case Adopt: // bookkeeping, as is a Fetch
		f.claim(a.Claim, a.Run)
		return
	case Fetch:
		f.fetched(a)
		return
	case Record:
		step.If = f.perhaps[a.Model]
		f.record(a.Model, a.Next)
	case Build:
		step.If = f.perhaps[a.Object.Model]
		f.built(a, &step)
	case Serve:
		m, _ := modelOf(f.in.Catalog, a.Object.Model)
		r, _ := f.in.Catalog.Selected[m.Name].Release(a.Release)
		f.in.Live.put(served(a.Object, r))
	case Remove:
		f.removed(a, &step)
	}
	if !slices.Contains(f.steps, step) {
		f.steps = append(f.steps, step)
	}
}

func (f *foresight) removed(a Remove, step *Step) {
	delete(f.in.Live.Objects, a.Object.Ref)
	switch ref := a.Object.Ref; {
	case ref.Kind == render.Search && a.Object.Message == Assumed:
		step.If = "if it still runs"
	case ref.Kind == render.Workflow && a.Object.UID == "":
		step.If = "each that is still there"
		step.Text = fmt.Sprintf("%s (%s)", render.WorkflowRef(a.Object.Model, unknown, f.in.Settings), a.Reason)
	}
}

func (f *foresight) submitted(a Rerun) {
	run := searchOf(a.Object.Model, a.Object.Digest)
	f.in.Live.put(run)
	f.claim(a.Claim, run.UID)
}

// fetched imagines that the sum of an artifact is known.
func (f *foresight) fetched(a Fetch) {
	for ref, objects := range f.in.Live.Objects {
		for i, o := range objects {
			for j, e := range o.Experiments {
				if e.UID == a.Experiment {
					o.Experiments = slices.Clone(o.Experiments)
					o.Experiments[j].Artifacts = map[string]string{a.Path: unknown}
					objects = slices.Clone(objects)
					objects[i] = o
				}
			}
		}
		f.in.Live.Objects[ref] = objects
	}
}

func (f *foresight) claim(object render.Object, run string) {
	data, _ := render.ParseClaim(object.Body) // Make has rendered it
	data.Run = run
	f.in.Live.put(Observed{Ref: object.Ref, Model: object.Model, Digest: object.Digest, Phase: Succeeded, Claim: data,
		UID: object.Ref.Name, Seen: object.Ref.Name, Created: f.in.Now})
}

func (f *foresight) built(a Build, step *Step) {
	m, _ := modelOf(f.in.Catalog, a.Object.Model)
	r, _ := f.in.Catalog.Selected[m.Name].Release(a.Release)
	o := buildOf(m, r, f.in.Settings)
	o.Image = "@sha256:" + imagined(o.Digest)
	f.in.Live.put(o)
	if r.Experiment == unknown {
		step.Text = fmt.Sprintf("release %d as %s", a.Release, render.WorkflowRef(m.Name, unknown, f.in.Settings))
	}
}

// record imagines the commit of a record.
func (f *foresight) record(model string, next schema.Selected) {
	f.in.Catalog.Selected[model] = next
	m, found := modelOf(f.in.Catalog, model)
	if !found {
		return
	}
	for scope, digest := range Desire(schema.Catalog{Models: []schema.Model{m}, Selected: f.in.Catalog.Selected}, f.in.Settings) {
		f.in.Desired[scope] = digest
	}
}

// settle imagines that what runs has ended, and well.
func (f *foresight) settle() (moved bool) {
	for ref, objects := range f.in.Live.Objects {
		for _, o := range objects {
			if o.Phase != Running || o.Ending {
				continue
			}
			switch ref.Kind {
			case render.Search:
				if !f.asked(o) {
					continue
				}
				o.Phase = Unasked
			case render.Workflow:
				o.Phase, o.Image = Succeeded, "@sha256:"+imagined(o.Digest)
			default:
				o.Phase = Succeeded
			}
			f.in.Live.put(o)
			moved = true
		}
	}
	return f.win() || moved
}

// asked reports whether a search is the one that its model asks for now.
func (f *foresight) asked(search Observed) bool {
	m, found := modelOf(f.in.Catalog, search.Model)
	return found && m.Digests.Search == search.Digest
}

// win imagines that every search that was to end has ended, with a winner.
func (f *foresight) win() (moved bool) {
	for _, m := range f.in.Catalog.Models {
		selected := f.in.Catalog.Selected[m.Name]
		_, prefix := answering(selected, m.Digests)
		if _, frozen := f.in.Catalog.Frozen(m.Name, ""); frozen || prefix > 1 || handless(m.Select) || !f.searched(m) {
			continue
		}
		moved = true
		word := "record"
		if prefix == 1 {
			word = "reselect"
			f.perhaps[m.Name] = unlessBuilt(m, selected)
		}
		f.won(word, m, clone(selected))
	}
	return moved
}

// searched reports whether the model's search is there, under whatever name, and nobody has asked how it ended.
func (f *foresight) searched(m schema.Model) bool {
	for _, objects := range f.in.Live.Objects {
		if slices.ContainsFunc(objects, func(o Observed) bool {
			return o.Ref.Kind == render.Search && o.Phase == Unasked && o.Digest == m.Digests.Search
		}) {
			return true
		}
	}
	return false
}

// unlessBuilt says when ranking again leads to no build: the image of an experiment that won before is there.
func unlessBuilt(m schema.Model, s schema.Selected) string {
	for _, r := range slices.Backward(s.Releases) {
		if r.Answers.Search == m.Digests.Search && r.Answers.Package == m.Digests.Package && r.Image != "" {
			return fmt.Sprintf("unless the experiment of release %d wins again", r.Number)
		}
	}
	return ""
}

func (f *foresight) won(word string, m schema.Model, next schema.Selected) {
	next.Last++
	r := schema.Release{Number: next.Last, Answers: m.Digests, Experiment: unknown, Commit: string(f.in.Revision),
		Artifact: schema.Artifact{Path: m.Train.Artifact, SHA256: imagined(m.Digests.Search, m.Digests.Select)}}
	if m.Select.Experiment != "" {
		r = f.picked(r, m.Select.Experiment, next)
	}
	next.Releases = append(next.Releases, r)
	if complete(m, r) {
		next.Latest = r.Number
	}
	f.record(m.Name, next)
	f.steps = append(f.steps, Step{Scope: schema.Scope{Model: m.Name}, Word: word, Pass: f.pass,
		Text: fmt.Sprintf("release %d, experiment %s (%s %s)", r.Number, short(r.Experiment), m.Select.Metric, unknown)})
}

// picked is a release of an experiment that a person named; one that won before keeps what was found out about it.
func (f *foresight) picked(r schema.Release, experiment string, s schema.Selected) schema.Release {
	r.Experiment = experiment
	for _, old := range s.Releases {
		if old.Experiment != experiment {
			continue
		}
		r.Artifact, r.Params, r.Metrics = old.Artifact, old.Params, old.Metrics
		if sameImage(old, r) && old.Image != "" {
			r.Image = old.Image
		}
	}
	return r
}
