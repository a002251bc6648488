package review

import (
	"cmp"
	"slices"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Words are what can happen to a model, the most drastic first: that of a model is the first that one of its steps has.
func Words() []string {
	return []string{
		"delete", Invalid, Rename, "rerun", "search", "reselect", "repackage", "rebuild", "build", "rollback", "promote", "update", "serve",
		"record", "stop", Hold, Later,
	}
}

// judge decides what each model's changes come to, and which models change at all.
func (r *reviewer) judge() {
	for _, name := range sorted(r.blocks) {
		b := r.blocks[name]
		if len(b.Causes)+len(b.Steps)+len(b.Holds) == 0 {
			continue
		}
		b.Word = r.word(b)
		b.Cost = costOf(r.head[name].Train, b.Experiments)
		if r.in.Live != nil && len(b.Causes) == 0 && b.From == "" {
			b.Notes = append(b.Notes, "nothing of it changed in git: "+r.Base.Name+" asks for this too")
		}
		r.warn(b)
		r.Models = append(r.Models, *b)
	}
	words := Words()
	slices.SortFunc(r.Models, func(a, b Model) int {
		return cmp.Or(slices.Index(words, a.Word)-slices.Index(words, b.Word), b.Experiments-a.Experiments, cmp.Compare(a.Name, b.Name))
	})
	r.Unchanged = r.unchanged(func(string) bool { return true })
}

// unchanged counts the models of the head that nothing happens to, out of those that are asked for.
func (r Review) unchanged(about func(model string) bool) int {
	told := map[string]bool{}
	for _, m := range r.Models {
		told[m.Name] = true
	}
	for _, f := range r.Findings {
		told[f.Scope.Model] = true
	}
	n := 0
	for _, m := range r.Head.Catalog.Models {
		if about(m.Name) && !told[m.Name] {
			n++
		}
	}
	return n
}

func (r *reviewer) word(b *Model) string {
	if r.gone(b.Name) && (len(b.Steps) > 0 || len(b.Holds) == 0) { // also where it has but a search to stop, or nothing
		return "delete"
	}
	if b.From != "" {
		return Rename
	}
	for _, word := range Words() {
		if slices.ContainsFunc(b.Steps, func(s plan.Step) bool { return s.Word == word && !r.moves(s) }) {
			return word
		}
	}
	switch {
	case len(b.Holds) > 0:
		return Hold
	case slices.ContainsFunc(r.Findings, func(f schema.Finding) bool { return f.Scope.Model == b.Name }):
		return Invalid
	}
	return Later
}

// moves reports whether a deletion is that of an object whose environment lives on elsewhere.
func (r *reviewer) moves(s plan.Step) bool {
	return s.Word == "delete" && environment(r.head[s.Scope.Model], s.Scope.Environment).Name != ""
}

// warn says what a reviewer would want to look at twice.
func (r *reviewer) warn(b *Model) {
	m, stays := r.head[b.Name]
	if !stays {
		return
	}
	was, known := r.base[cmp.Or(b.From, b.Name)]
	if known {
		for _, metric := range loosened(was.Select.Gate, m.Select.Gate) {
			b.warn("the gate lets pass more than before: %s", metric)
		}
		if len(b.Causes) == 1 && b.Causes[0].Field == "train.search.random.seed" {
			b.warn("only the seed changed: the same search is drawn again, to try one's luck")
		}
	}
	if b.Experiments > 0 && m.Train.Timeout <= 0 {
		b.warn("the search may take any time: train.timeout is not set")
	}
	warnOfPlaces(b, was, m)
	for _, f := range r.in.Head.Catalog.Findings {
		if f.Scope.Model == b.Name && r.warning(f) {
			b.warn("%s: %s: %s", f.Pos, f.Code, f.Message)
		}
	}
}

// warnOfPlaces is warn for the environments.
func warnOfPlaces(b *Model, was, m schema.Model) {
	for _, e := range was.Serve {
		if b.From != "" && environment(m, e.Name).Name == "" {
			b.warn("%s is served no more, under no name", e.Name)
		}
	}
	for _, e := range m.Serve {
		old := environment(was, e.Name)
		if e.Waive != "" && e.Waive != old.Waive {
			b.warn("the gate is not asked in %s: %s", e.Name, e.Waive)
		}
		if e.Release == 0 && matters(e.Name) && (touched(b, e.Name) || old.Release > 0) {
			b.warn("%s follows latest: what wins is served there with no one's word", e.Name)
		}
	}
}

// matters reports whether an environment has one of the names that people give to the one that customers see.
func matters(environment string) bool {
	return slices.Contains([]string{"production", "prod", "live"}, environment)
}

func touched(b *Model, environment string) bool {
	return slices.ContainsFunc(b.Steps, func(s plan.Step) bool { return s.Scope.Environment == environment })
}

func environment(m schema.Model, name string) schema.Environment {
	for _, e := range m.Serve {
		if e.Name == name {
			return e
		}
	}
	return schema.Environment{}
}

// warning reports whether a finding is a warning that the base has not.
func (r *reviewer) warning(f schema.Finding) bool {
	return f.Severity == schema.Warning && !slices.ContainsFunc(r.in.Base.Catalog.Findings, func(old schema.Finding) bool {
		return old.Code == f.Code && old.Scope == f.Scope && old.Message == f.Message
	})
}
