package schema

import (
	"encoding/json"

	"cuelang.org/go/cue"
)

// Together judges models, units but the first one, in one evaluation, which costs less than half of what each costs on its own. It is
// not ok where anything is wrong with any of them: then each is to be judged alone, so that what is said of one does not depend on the
// others. That nothing is wrong does not depend on them either, since a unit holds all that it refers to.
func (r *Reading) Together(units []int) (verdicts []Verdict, ok bool) {
	var parts []part
	held := map[string]bool{}
	for _, u := range units {
		for _, owner := range r.closed[u] {
			if !held[owner] {
				held[owner] = true
				parts = append(parts, r.parts[owner]...)
			}
		}
	}
	specs := put(r.specs, parts)
	root, err := unify(r.rules, specs)
	if err != nil {
		return nil, false
	}
	s := sound{root: root, places: outline(specs...), shape: r.shape, records: records{}}
	if s.wrong() {
		return nil, false
	}
	for _, u := range units {
		v, ok := s.verdict(r.Units[u])
		if !ok {
			return nil, false
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, true
}

// sound is an evaluated package with nothing wrong in it.
type sound struct {
	root    cue.Value
	places  *places
	shape   shape
	records records
}

// wrong reports whether there is anything to find.
func (s sound) wrong() bool {
	if s.root.Validate(cue.All()) != nil || len(newExplainer(s.root, s.places, s.shape).unknownFields()) > 0 {
		return true
	}
	for _, top := range []string{"models", "selected", "retired"} {
		if len(problems(step(s.root, top), true, top)) > 0 {
			return true
		}
	}
	return false
}

// verdict takes a model out. It is not ok where that finds something.
func (s sound) verdict(u Unit) (v Verdict, ok bool) {
	name := u.Scope.Model
	if model := step(step(s.root, "models"), name); model.Exists() {
		m, ok := s.model(name, model)
		if !ok {
			return Verdict{}, false
		}
		v.Models = map[string]rawModel{name: m}
	}
	if selected := step(step(s.root, "selected"), name); selected.Exists() {
		data, ok := s.json(selected, "", "selected", name)
		if !ok {
			return Verdict{}, false
		}
		v.Selected = map[string]json.RawMessage{name: data}
	}
	v.limit(u)
	return v, len(v.Findings) == 0
}

func (s sound) model(name string, v cue.Value) (m rawModel, ok bool) {
	gate, found := gate(name, v, s.places)
	m.Gate, m.Serve, m.Expect = gate, map[string]json.RawMessage{}, map[string][]Bound{}
	for env, e := range regular(step(v, "serve")) {
		expect, wrong := expectations(name, env, e, s.places)
		if m.Serve[env], ok = s.json(e, "", "models", name, "serve", env); !ok || len(wrong) > 0 {
			return rawModel{}, false
		}
		m.Expect[env] = expect
	}
	m.Body, ok = s.json(v, "serve", "models", name)
	return m, ok && len(found) == 0
}

// json writes the value at a path, without one of its fields.
func (s sound) json(v cue.Value, without string, path ...string) (json.RawMessage, bool) {
	way := s.shape.follow(path)
	if len(way) < len(path) { // what the definitions do not know is wrong
		return nil, false
	}
	return s.records.json(nil, v, way[len(way)-1], without)
}
