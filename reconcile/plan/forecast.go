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

// begun is the message of a search that the forecast has started: nobody can have picked one of its experiments.
const begun = "it begins now"

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
	f.begun()
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
	case guessed(a.Object):
		step.If = "each that is still there"
		step.Text = fmt.Sprintf("%s (%s)", render.WorkflowRef(a.Object.Model, unknown, f.in.Settings), a.Reason)
	}
}

func (f *foresight) submitted(a Rerun) {
	run := searchOf(a.Object.Model, a.Object.Digest)
	run.Message = begun
	f.in.Live.put(run)
	f.claim(a.Claim, run.UID)
}

// begun takes it that the searches that the forecast has started are over, so that people can have picked one of their experiments.
func (f *foresight) begun() {
	for ref, objects := range f.in.Live.Objects {
		if o := objects[0]; o.Message == begun {
			o.Message = ""
			f.in.Live.Objects[ref] = []Observed{o}
		}
	}
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
	if strings.HasPrefix(r.Artifact.SHA256, unknown) { // of which the name is made
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
