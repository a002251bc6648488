// Package plan is the pure core: from what git says and what the engines hold it makes the next step of every model, as a value
// that prints itself. It knows no clock, no log, no file and no network, so that what the daemon does, what `trefoil plan` shows
// and what testdata/*.txtar hold is one thing, and every decision can be tried without an engine.
//
// Read plan.go for the table of decisions, rank.go for what happens when an experiment wins, action.go for what a plan can hold.
package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Input is all that a decision may depend on. Make does not change it.
type Input struct {
	Catalog schema.Catalog // of Revision
	// Merged is what is selected where it may be served, by model, where Catalog holds more: what is proposed in another branch. Nil says that
	// it is all the same.
	Merged   map[string]schema.Selected
	Desired  Desired // of what Catalog serves, and Settings; nil to render it here
	Live     Live
	Settings render.Settings
	Revision Revision  // the commit that is planned on; releases record it
	Now      time.Time // decides about claims and the hourly fuse only
	Limits   Limits
	Holder   string // who this daemon is, for claims
	Asking   bool   // Asks of the Plan are answered; where nobody does that, what is checked counts as right
	// Others is how many objects the fuse on deletions counts beside those in Live, of models that are left out of Catalog.
	Others int
}

// Limits are the fuses: what one pass may do at most without a word from people.
type Limits struct {
	Deletions          int // objects that one pass deletes or stops
	ExperimentsPerHour int // experiments that are started in an hour; a larger search starts alone in an empty hour
	CommitsPerHour     int // commits about one model in an hour; the rest is held
}

// Hold says why a model, or one environment of it, does not move. Without a model it is the whole revision.
type Hold struct {
	Model, Environment string
	Reason             string // one line
	Log                string // lines of what failed, if that printed any
}

// String is one line: "mnist/production: hold: waits for release 2".
func (h Hold) String() string { return subject(h.Model, h.Environment) + ": hold: " + h.Reason }

// Lines are the lines of the log.
func (h Hold) Lines() []string {
	return strings.FieldsFunc(h.Log, func(r rune) bool { return r == '\n' })
}

// Plan brings live one step closer to git. Its actions are independent of each other; they and the holds are sorted by model
// and environment, and so are the questions to served models.
type Plan struct {
	Actions []Action
	Holds   []Hold
	Asks    []Ask
}

// String is a line for each action, then one for each hold, with the log below it; "nothing to do" where there are none.
func (p Plan) String() string {
	var b strings.Builder
	for _, a := range p.Actions {
		b.WriteString(a.String() + "\n")
	}
	for _, h := range p.Holds {
		b.WriteString(h.String() + "\n")
		for _, line := range h.Lines() {
			b.WriteString("  | " + line + "\n")
		}
	}
	if b.Len() == 0 {
		return "nothing to do\n"
	}
	return b.String()
}

// Make decides the next step of every model:
//
//	the longest prefix of (search, select, package)
//	that one release answers                          next step
//	none                                              search, then rank its experiments
//	search                                            rank the experiments again
//	search, select                                    a new release of the same experiment
//	search, select, package                           build it while it has no image
//
// and, independent of that, what every environment serves. What no revision asks for any more is removed last, within the fuses.
func Make(in Input) Plan {
	d := newDraft(in)
	d.frozen()
	if _, frozen := in.Catalog.Frozen("", ""); frozen {
		return d.Plan
	}
	for _, m := range in.Catalog.Models {
		if _, frozen := in.Catalog.Frozen(m.Name, ""); frozen {
			continue
		}
		d.step(m)
		d.serve(m)
		d.replaced(m)
	}
	d.submit()
	d.remove()
	d.tidy()
	d.sort()
	return d.Plan
}

// draft is a plan while it is made.
type draft struct {
	Plan
	in   Input
	live index
	// What is looked up for many objects: the places where environments are served, the models that an error is about, and the
	// names of live objects that nobody has any more.
	rendered map[render.Ref]bool
	faulty   map[string]bool
	models   map[string]int // by name, where in Catalog.Models
	orphans  []string

	submissions []submission
	started     int // experiments that this plan starts
}

func newDraft(in Input) *draft {
	d := &draft{in: in, live: newIndex(in.Live), rendered: map[render.Ref]bool{}, faulty: map[string]bool{}, models: map[string]int{}}
	if in.Desired == nil {
		served := in.Catalog
		if in.Merged != nil {
			served.Selected = in.Merged
		}
		d.in.Desired = Desire(served, in.Settings)
	}
	for i, m := range in.Catalog.Models {
		d.models[m.Name] = i
		for _, e := range m.Serve {
			d.rendered[render.DeploymentRef(e)] = true
		}
	}
	for _, f := range in.Catalog.Findings {
		if f.Severity == schema.Error {
			d.faulty[f.Scope.Model] = true
		}
	}
	d.orphans = d.orphaned()
	return d
}

func (d *draft) model(name string) (schema.Model, bool) {
	i, found := d.models[name]
	if !found {
		return schema.Model{}, false
	}
	return d.in.Catalog.Models[i], true
}

func (d *draft) do(a Action) { d.Actions = append(d.Actions, a) }

func (d *draft) hold(model, environment, reason string) {
	d.Holds = append(d.Holds, Hold{Model: model, Environment: environment, Reason: reason})
}

// frozen holds every model and environment that a finding names, with the finding as the reason.
func (d *draft) frozen() {
	for _, f := range d.in.Catalog.Findings {
		if f.Severity == schema.Error {
			d.hold(f.Scope.Model, f.Scope.Environment, f.String())
		}
	}
}

// known reports whether all kinds were observed; else it holds the model with the engine's reason.
func (d *draft) known(model, environment string, kinds ...render.Kind) bool {
	for _, k := range kinds {
		if reason, unknown := d.in.Live.Unknown[k]; unknown {
			d.hold(model, environment, reason)
			return false
		}
	}
	return true
}

func (d *draft) sort() {
	slices.SortStableFunc(d.Actions, func(a, b Action) int {
		return byScope(a.Scope(), b.Scope())
	})
	slices.SortStableFunc(d.Holds, func(a, b Hold) int {
		return byScope(schema.Scope{Model: a.Model, Environment: a.Environment}, schema.Scope{Model: b.Model, Environment: b.Environment})
	})
}

func byScope(a, b schema.Scope) int {
	return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Environment, b.Environment))
}

// subject is "mnist" or "mnist/production".
func subject(model, environment string) string {
	return schema.Scope{Model: model, Environment: environment}.String()
}
