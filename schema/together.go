package schema

import (
	"encoding/json"
	"slices"
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
	j := judged{Places: outline(specs...)}
	j.read(root, r.shape)
	if len(j.Findings) > 0 {
		return nil, false
	}
	for _, u := range units {
		v := j.only(r.Units[u].Scope.Model)
		v.limit(r.Units[u])
		verdicts = append(verdicts, v)
	}
	return verdicts, !slices.ContainsFunc(verdicts, func(v Verdict) bool { return len(v.Findings) > 0 })
}

// only is what a verdict says about one model.
func (v Verdict) only(name string) Verdict {
	var one Verdict
	if m, ok := v.Models[name]; ok {
		one.Models = map[string]rawModel{name: m}
	}
	if s, ok := v.Selected[name]; ok {
		one.Selected = map[string]json.RawMessage{name: s}
	}
	return one
}
