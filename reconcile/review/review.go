// Package review says what merging a change of the specs does, in terms of models: what trains again and what that costs at most,
// what is only served elsewhere, what goes. It knows both revisions, and takes it that all that the base asks for is done; what
// the head asks for is then planned by the same planner that the daemon uses, so that what a reviewer reads beforehand is what
// the daemon says afterwards. Like the planner it is pure: no clock, no network, and values that print themselves.
//
// Read review.go for how the two are compared, fields.go for what counts as a field, and text.go and markdown.go for what
// people see.
package review

import (
	"math"
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Side is one of the two revisions that are compared.
type Side struct {
	Name     string        // what people call it, such as "main"
	Revision plan.Revision // empty for files that were not committed
	Catalog  schema.Catalog
}

// Input is all that a Review depends on. Make does not change it.
type Input struct {
	Base, Head Side
	Settings   render.Settings
	Limits     plan.Limits
	// Live is what the engines hold; nil takes it that all that Base asks for is done.
	Live *plan.Live
	// Now decides about claims where Live was observed.
	Now time.Time
	// Notes are what people have to know of how Base and Head were found.
	Notes []string
	// Masks makes what hides the secrets of one model; nil hides none.
	Masks func() Mask
}

// Mask is a value of a field of that name without what may be secret. Two different secrets of a name are told from each other.
type Mask func(name string, value any) any

// Review is what the head changes.
type Review struct {
	Base, Head Side
	// Models are those that change, what is destroyed first.
	Models []Model
	// Unchanged counts the valid models of the head that stay exactly as they are.
	Unchanged int
	// Holds are about no model in particular.
	Holds []plan.Hold
	// Findings are the errors of the head. What they freeze stays as it is.
	Findings []schema.Finding
	// BaseFindings are the errors of the base: of what they freeze nobody knows what runs.
	BaseFindings []schema.Finding
	// Notes are what people have to know to trust the rest, and what the change says beside models.
	Notes []string
}

// Model is what becomes of one model.
type Model struct {
	Name string
	// From is the name that it has in the base, where it was renamed and keeps its releases.
	From string
	// Word is the most drastic thing that happens to it, in the words of a plan; Invalid and Later are its others.
	Word   string
	Causes []Cause
	Steps  []plan.Step
	Holds  []plan.Hold
	// Experiments is how many are started; Cost is what they use at most.
	Experiments int
	Cost        Cost
	Warnings    []string
	Notes       []string
}

// The words of a Model beside those of a plan.
const (
	Invalid = "invalid" // it has an error and stays as it is
	Later   = "later"   // nothing happens now; the next search or build uses it
	Rename  = "rename"
	Hold    = "hold"
)

// Cause is a field that changed, as people write it.
type Cause struct {
	Field    string // its path below the model; empty for the model as a whole
	Old, New string // as CUE; empty where it is not there
	Pos      schema.Position
	Gone     bool // Pos is in the base
}

// Make compares two revisions.
func Make(in Input) Review {
	r := reviewer{in: in, base: modelsOf(in.Base.Catalog), head: modelsOf(in.Head.Catalog), blocks: map[string]*Model{}}
	r.Review = Review{Base: in.Base, Head: in.Head, Notes: slices.Clone(in.Notes),
		Findings: errorsOf(in.Head.Catalog), BaseFindings: errorsOf(in.Base.Catalog)}
	if _, frozen := in.Head.Catalog.Frozen("", ""); frozen {
		return r.Review
	}
	r.narrow()
	before := r.before()
	r.renames()
	r.compare()
	r.follow(before)
	r.expect(before)
	r.judge()
	r.note()
	return r.Review
}

// Only leaves what is about the models of these names, which may be old ones, and about all; no names leave all.
func (r Review) Only(names []string) Review {
	if len(names) == 0 {
		return r
	}
	about := func(name string) bool { return slices.Contains(names, name) }
	r.Models = slices.DeleteFunc(slices.Clone(r.Models), func(m Model) bool { return !about(m.Name) && !about(m.From) })
	r.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f schema.Finding) bool {
		return f.Scope.Model != "" && !about(f.Scope.Model)
	})
	r.Unchanged = r.unchanged(about)
	return r
}

// reviewer is a Review while it is made.
type reviewer struct {
	Review
	in         Input
	base, head map[string]schema.Model
	blocks     map[string]*Model // of what may change, by name in the head, or in the base where it left
	heirs      map[string]string // new names by old ones, of models that took their releases along
	// What is planned: both catalogs without the models that are the same in both, and how many objects those have.
	was, now schema.Catalog
	others   int
}

// mask is that of one more model.
func (r *reviewer) mask() Mask {
	if r.in.Masks == nil {
		return nil
	}
	return r.in.Masks()
}

func modelsOf(c schema.Catalog) map[string]schema.Model {
	all := make(map[string]schema.Model, len(c.Models))
	for _, m := range c.Models {
		all[m.Name] = m
	}
	return all
}

func errorsOf(c schema.Catalog) []schema.Finding {
	var all []schema.Finding
	for _, f := range c.Findings {
		if f.Severity == schema.Error {
			all = append(all, f)
		}
	}
	return all
}

// block is where what happens to a model is told.
func (r *reviewer) block(name string) *Model {
	if heir := r.heirs[name]; heir != "" {
		name = heir
	}
	if r.blocks[name] == nil {
		r.blocks[name] = &Model{Name: name}
	}
	return r.blocks[name]
}

// before is how things stand before the head is merged.
func (r *reviewer) before() plan.Forecast {
	in := r.input(r.in.Base.Revision, r.was)
	if r.in.Live != nil {
		return plan.Forecast{Catalog: in.Catalog, Live: *r.in.Live, Holds: plan.Make(in).Holds}
	}
	in.Live = plan.Done(r.was, r.in.Settings)
	return plan.Foresee(in)
}

func (r *reviewer) input(revision plan.Revision, c schema.Catalog) plan.Input {
	in := plan.Input{Catalog: c, Settings: r.in.Settings, Limits: r.in.Limits, Revision: revision, Now: r.in.Now, Holder: "review", Others: r.others}
	if in.Now.IsZero() {
		in.Now = time.Unix(0, 0).UTC()
	}
	in.Limits.ExperimentsPerHour = math.MaxInt // it only delays
	if r.in.Live != nil {
		in.Live = *r.in.Live
	}
	return in
}

// follow plans the head on top of what was before, and gives each model what happens to it.
func (r *reviewer) follow(before plan.Forecast) {
	in := r.input(r.in.Head.Revision, r.now)
	in.Live = r.start(before)
	in.Catalog.Selected = r.selected(before.Catalog)
	after := plan.Foresee(in)
	for _, s := range after.Steps {
		b := r.block(s.Scope.Model)
		if r.unread(s.Scope.Model) && s.If == "" {
			s.If = "unless it is there already"
		}
		b.Steps = append(b.Steps, s)
		b.Experiments += s.Experiments
	}
	for _, h := range after.Holds {
		switch {
		case slices.Contains(before.Holds, h) || r.invalid(h):
		case h.Model == "":
			r.Holds = append(r.Holds, h)
		default:
			b := r.block(h.Model)
			b.Holds = append(b.Holds, h)
		}
	}
}

// invalid reports whether a hold repeats a finding, which is told with the findings.
func (r *reviewer) invalid(h plan.Hold) bool {
	return slices.ContainsFunc(r.Findings, func(f schema.Finding) bool { return f.String() == h.Reason })
}
