package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Change is one thing that a revision did to a model, or to one environment of it, in the words of a Plan.
type Change struct {
	Model       string // empty for what is about the whole revision
	Environment string
	Word        string
	Detail      string
	Release     int    // that it is about; 0 for none
	Image       string // of that release, where it got one
	From        string // the name that the model had before, where it was renamed
}

// String is one line: "mnist/production: promote: release 1 -> 2".
func (c Change) String() string {
	return subject(c.Model, c.Environment) + ": " + c.Word + ": " + c.Detail
}

// Past is how things stand after a revision; the zero Past is before the first one.
type Past struct {
	asked schema.Catalog // what the revision says
	kept  schema.Catalog // what it comes to: where an error freezes something, or it waits, what it was before
	// hidden is what an error froze where the history begins, so that nobody knows what it was.
	hidden map[schema.Scope]bool
}

// Since is how things stand after a revision when those before it are not known.
func Since(c schema.Catalog) Past {
	p, _ := Past{}.Follow(c)
	p.hidden = map[schema.Scope]bool{}
	for _, f := range c.Findings {
		if f.Severity == schema.Error {
			p.hidden[f.Scope] = true
		}
	}
	return p
}

// Follow returns what the next revision changed, sorted by model and environment, and how things stand then.
func (p Past) Follow(next schema.Catalog) (Past, []Change) {
	s := &story{asked: next, askedBefore: p.asked, before: p.kept, hidden: p.hidden}
	s.judge()
	if _, frozen := next.Frozen("", ""); frozen {
		p.asked.Findings = p.asked.With(next.Findings).Findings // what was wrong with a model still is
		return p, s.changes
	}
	s.inherit()
	s.keep()
	for _, m := range s.after.Models {
		s.model(m)
	}
	s.leave()
	s.retire()
	slices.SortStableFunc(s.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Environment, b.Environment))
	})
	return Past{asked: next, kept: s.after, hidden: s.stillHidden()}, s.changes
}

// story is what is known while a revision is compared with its Past.
type story struct {
	askedBefore, before schema.Catalog
	asked, after        schema.Catalog
	old, heirs          map[string]string // of renamed models: the name before by the new one, and back
	hidden              map[schema.Scope]bool
	changes             []Change
}

func (s *story) say(model, environment, word, format string, values ...any) {
	s.changes = append(s.changes, Change{Model: model, Environment: environment, Word: word, Detail: fmt.Sprintf(format, values...)})
}

// judge tells what an error freezes from now on, and what none does any more.
func (s *story) judge() {
	known, now := map[schema.Scope][]schema.Finding{}, map[schema.Scope]bool{}
	for _, f := range s.askedBefore.Findings {
		if f.Severity == schema.Error {
			known[f.Scope] = append(known[f.Scope], f)
		}
	}
	for _, f := range s.asked.Findings {
		if f.Severity != schema.Error || now[f.Scope] {
			continue
		}
		now[f.Scope] = true
		if !slices.ContainsFunc(known[f.Scope], func(k schema.Finding) bool { return k.Code == f.Code && k.Message == f.Message }) {
			s.say(f.Scope.Model, f.Scope.Environment, "invalid", "%s %s: %s", f.Pos, f.Code, f.Message)
		}
	}
	for _, scope := range slices.SortedFunc(maps.Keys(known), byScope) {
		if !now[scope] && !now[schema.Scope{}] {
			s.say(scope.Model, scope.Environment, "valid", "again")
		}
	}
}

// stillHidden is what was hidden and is frozen now too.
func (s *story) stillHidden() map[schema.Scope]bool {
	still := map[schema.Scope]bool{}
	for _, f := range s.asked.Findings {
		if f.Severity == schema.Error && (s.hidden[f.Scope] || s.hidden[schema.Scope{}]) {
			still[f.Scope] = true
		}
	}
	return still
}

// inherit finds models whose releases moved to another name in this revision.
func (s *story) inherit() {
	s.heirs, s.old = Heirs(s.before, s.asked), map[string]string{}
	for old, heir := range s.heirs {
		s.old[heir] = old
	}
}

// Heirs are the new names, by the old ones, of models whose releases moved to another name in the next revision.
func Heirs(before, next schema.Catalog) map[string]string {
	heirs, taken := map[string]string{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(before.Selected)) {
		_, stays := next.Selected[name]
		if _, frozen := next.Frozen(name, ""); stays || frozen || has(next, name) {
			continue
		}
		for _, heir := range slices.Sorted(maps.Keys(next.Selected)) {
			_, older := before.Selected[heir]
			if !older && !taken[heir] && includes(next.Selected[heir], before.Selected[name]) {
				heirs[name], taken[heir] = heir, true
				break
			}
		}
	}
	return heirs
}

// includes reports whether all releases of b, and any, are in a.
func includes(a, b schema.Selected) bool {
	return len(b.Releases) > 0 && !slices.ContainsFunc(b.Releases, func(r schema.Release) bool {
		same, found := a.Release(r.Number)
		return !found || same.Experiment != r.Experiment || same.Commit != r.Commit
	})
}

// keep decides what the revision comes to.
func (s *story) keep() {
	s.after = schema.Catalog{Selected: map[string]schema.Selected{}, Retired: s.asked.Retired}
	maps.Copy(s.after.Selected, s.asked.Selected)
	for _, m := range s.asked.Models {
		s.after.Models = append(s.after.Models, s.settled(m))
	}
	for _, m := range s.before.Models {
		if s.frozen(cmp.Or(s.heirs[m.Name], m.Name)) {
			s.after.Models = append(s.after.Models, m)
		}
	}
	slices.SortFunc(s.after.Models, func(a, b schema.Model) int { return strings.Compare(a.Name, b.Name) })
	for name, selected := range s.before.Selected {
		if heir := cmp.Or(s.heirs[name], name); s.frozen(heir) {
			delete(s.after.Selected, heir)
			s.after.Selected[name] = selected
			delete(s.old, heir) // told once it is valid
		}
	}
}

func (s *story) frozen(model string) bool {
	_, frozen := s.asked.Frozen(model, "")
	return frozen
}

// leave tells of models that are gone, and of releases that no model has.
func (s *story) leave() {
	for _, m := range s.before.Models {
		if s.heirs[m.Name] == "" && !has(s.after, m.Name) {
			s.say(m.Name, "", "delete", "left models%s", spanned(s.after.Selected[m.Name], ", and keeps %s"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.before.Selected)) {
		if s.heirs[name] == "" && !has(s.after, name) {
			s.releases(schema.Model{Name: name}, s.before.Selected[name], s.after.Selected[name])
		}
	}
}

// retire tells whose deletion was confirmed.
func (s *story) retire() {
	for _, place := range slices.Sorted(maps.Keys(s.after.Retired)) {
		model, environment, _ := strings.Cut(place, "/")
		if reason := s.after.Retired[place]; reason != s.before.Retired[place] {
			s.say(model, environment, "retired", "%s", reason)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(s.before.Retired)) {
		model, environment, _ := strings.Cut(place, "/")
		if _, still := s.after.Retired[place]; !still {
			s.say(model, environment, "retired", "no longer")
		}
	}
}

func has(c schema.Catalog, model string) bool {
	_, found := modelOf(c, model)
	return found
}

// modelOf finds a valid model by its name.
func modelOf(c schema.Catalog, name string) (schema.Model, bool) {
	i, found := slices.BinarySearchFunc(c.Models, name, func(m schema.Model, name string) int { return strings.Compare(m.Name, name) })
	if !found {
		return schema.Model{}, false
	}
	return c.Models[i], true
}
