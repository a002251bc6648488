package schema

import (
	"fmt"
	"strings"
)

// misnamed reports whether a field that people wrote can't be called so. CUE says so too, but not while anything else is wrong.
func (x explainer) misnamed(path []string, way []shape) bool {
	last := len(path) - 1
	return len(way) == len(path) && !way[last].admits(path[last]) && !inside(path, way) && !x.places.listed(path)
}

// inside reports whether something around a field can't be called as it is: what is in it then need not be told. A model is told of
// all the same.
func inside(path []string, way []shape) bool {
	for i := 2; i < min(len(way), len(path)-1); i++ {
		if !way[i].admits(path[i]) || way[i].alternatives() {
			return true
		}
	}
	return false
}

// name is the finding about a field that can't be called so.
func (x explainer) name(path []string, here shape) Finding {
	name, what := path[len(path)-1], thing(here.pattern)
	if here.pattern == "#Name" && len(path) > 2 {
		what = "an environment"
	}
	return Finding{Code: codeName, Severity: Error, Scope: scopeOf(path), Pos: x.places.label(path),
		Message: fmt.Sprintf("%q can't be the name of %s", name, what),
		Hint:    expectation(here.pattern) + respelt(name, here)}
}

// label is where the name of a field was written, or else the nearest place.
func (p *places) label(path []string) Position {
	if at := p.find(path...); at != nil {
		return at.Label
	}
	return p.at(path...)
}

// doubled is the hint for two values of one field: whether all of the model was written twice, as copies are.
func (x explainer) doubled(path []string) string {
	if len(path) > 2 && path[0] == "models" {
		if model := x.places.get(path[:2]...); len(model.Again) > 0 {
			return fmt.Sprintf("%s is written at %s and at %s: if one is a copy, give it a name of its own", strings.Join(path[:2], "."), model.Label, model.Again[0])
		}
	}
	return "take one of them out"
}
