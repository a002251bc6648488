package schema

import (
	"fmt"
	"strings"
)

// collisions finds environments that would be one object. Each of them is told, and none moves: which one was there first is not
// in the spec.
func collisions(models []Model, at *places) []Finding {
	type object struct{ namespace, name string }
	owners := map[object][]Scope{}
	var order []object
	for _, m := range models {
		for _, e := range m.Serve {
			o := object{e.Namespace, e.ObjectName}
			if owners[o] == nil {
				order = append(order, o)
			}
			owners[o] = append(owners[o], Scope{m.Name, e.Name})
		}
	}
	var found []Finding
	for _, o := range order {
		for i, s := range owners[o] {
			if len(owners[o]) == 1 {
				continue
			}
			other := owners[o][(i+1)%len(owners[o])]
			found = append(found, Finding{Code: codeCollision, Severity: Error, Scope: s, Pos: at.environment(s),
				Message: fmt.Sprintf("%s and %s at %s are the same object %s/%s", s, other, at.environment(other), o.namespace, o.name),
				Hint:    "give one of them another namespace or name"})
		}
	}
	return found
}

// environment is where people wrote an environment.
func (p *places) environment(s Scope) Position {
	return p.at("models", s.Model, "serve", s.Environment)
}

// retiredInUse finds names in retired that a model or an environment still has.
func retiredInUse(j judgement, c Catalog) []Finding {
	var found []Finding
	for _, name := range sortedKeys(c.Retired) {
		model, env, isEnv := strings.Cut(name, "/")
		used := j.Places.has("models", model)
		if _, ok := j.Models[model]; ok {
			used = true
		}
		if isEnv {
			_, ok := j.Models[model].Serve[env]
			used = ok || j.Places.has("models", model, "serve", env)
		}
		if used {
			found = append(found, Finding{Code: codeRetiredInUse, Severity: Error, Scope: Scope{model, env}, Pos: j.Places.at("retired", name),
				Message: fmt.Sprintf("%s is retired and still in use", name), Hint: "take it out of one of the two"})
		}
	}
	return found
}
