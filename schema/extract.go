package schema

import (
	"encoding/json"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
)

// read takes what is valid out of the evaluated package and explains the rest.
func (j *judged) read(root cue.Value, rules shape) {
	x := newExplainer(root, j.Places, rules)
	for _, f := range j.Findings { // of the compiler: what they make of the fields around them is no news
		for path := j.Places.owner(f.Pos); len(path) > 1; path = path[:len(path)-1] {
			x.tell(path)
		}
	}
	j.Models, j.Selected, j.Retired = map[string]rawModel{}, map[string]json.RawMessage{}, map[string]string{}
	list := errors.Errors(root.Validate(cue.All()))
	for _, top := range []string{"models", "selected", "retired"} {
		list = append(list, problems(step(root, top), true, top)...)
	}
	j.add(x.unknownFields())
	j.add(x.findings(list))
	models := step(root, "models")
	if _, err := models.Fields(); err != nil {
		j.unreadable("models")
	}
	for name, v := range regular(models) {
		j.Models[name] = j.readModel(name, v)
	}
	for name, v := range regular(step(root, "selected")) {
		if data, ok := object(v, ""); ok {
			j.Selected[name] = data
		} else {
			j.unreadable("selected", name)
		}
	}
	for name, v := range regular(step(root, "retired")) {
		if reason, err := v.String(); err == nil {
			j.Retired[name] = reason
		}
	}
}

// add keeps one finding a place: where a reference leads nowhere, that its value is undecided tells nothing new.
func (j *judged) add(found []Finding) {
	for _, f := range found {
		if f.Pos.File == "" {
			f.Pos.File = mainFile
		}
		if !slices.ContainsFunc(j.Findings, func(g Finding) bool { return f.Pos == g.Pos && f.Scope == g.Scope && f.Pos.Line > 0 }) {
			j.Findings = append(j.Findings, f)
		}
	}
}

// problems gathers the errors of a value and of all fields in it: CUE alone stops at the first of a kind. What is inside a
// definition, such as a gate, need not be decided.
func problems(v cue.Value, decided bool, path ...string) []errors.Error {
	err := v.Validate(cue.All(), cue.Concrete(decided))
	if err == nil {
		return nil
	}
	var inner []errors.Error
	if fields, err := v.Fields(cue.Definitions(true)); err == nil {
		for fields.Next() {
			name := fields.Selector()
			further := append(slices.Clone(path), name.String())
			inner = append(inner, problems(fields.Value(), decided && !name.IsDefinition(), further...)...)
		}
	}
	return append(pinned(errors.Errors(err), path, len(inner) > 0), inner...)
}

// pinned puts errors of a definition where the value that they are about is: CUE shares it with all that say nothing more. One that
// is pinned further in is left out.
func pinned(list []errors.Error, path []string, further bool) []errors.Error {
	var pinned []errors.Error
	for _, e := range list {
		switch at := e.Path(); {
		case len(at) == 0 || !strings.HasPrefix(at[0], "#"):
			pinned = append(pinned, e)
		case !further:
			pinned = append(pinned, elsewhere{e, path})
		}
	}
	return pinned
}

// elsewhere is an error at another path than CUE says.
type elsewhere struct {
	cueError
	path []string
}

type cueError = errors.Error

func (e elsewhere) Path() []string { return e.path }

// regular yields the fields that make up the data of a struct.
func regular(v cue.Value) func(yield func(string, cue.Value) bool) {
	return func(yield func(string, cue.Value) bool) {
		fields, err := v.Fields()
		for err == nil && fields.Next() {
			if !yield(fields.Selector().Unquoted(), fields.Value()) {
				return
			}
		}
	}
}

func (j *judged) readModel(name string, v cue.Value) rawModel {
	m := rawModel{Serve: map[string]json.RawMessage{}, Expect: map[string][]Bound{}}
	for env, e := range regular(step(v, "serve")) {
		expect, found := expectations(name, env, e, j.Places)
		j.add(found)
		if data, ok := object(e, ""); !ok {
			j.unreadable("models", name, "serve", env)
		} else if !j.wrong(Scope{name, env}) {
			m.Serve[env], m.Expect[env] = data, expect
		}
	}
	gate, found := gate(name, v, j.Places)
	j.add(found)
	m.Gate = gate
	if data, ok := object(v, "serve"); !ok {
		j.unreadable("models", name)
	} else if !j.wrong(Scope{Model: name}) {
		m.Body = data
	}
	return m
}

// unreadable makes sure that what CUE can't hand over is never missing without a word: that would read as deleted.
func (j *judged) unreadable(path ...string) {
	scope := scopeOf(path)
	if _, told := (Catalog{Findings: j.Findings}).Frozen(scope.Model, scope.Environment); told {
		return
	}
	j.Findings = append(j.Findings, Finding{Code: codeEvaluate, Severity: Error, Scope: scope, Pos: j.Places.at(path...),
		Message: shown(path) + " has an error that can't be pinned", Hint: "`cue vet ./...` may say more"})
}

// wrong reports whether a finding is about exactly this scope.
func (j *judged) wrong(scope Scope) bool { return Catalog{Findings: j.Findings}.freezes(scope) }

// object is a struct in JSON without one of its fields and without what is hidden. It is not ok where a field has an error.
func object(v cue.Value, without string) ([]byte, bool) {
	fields := map[string]json.RawMessage{}
	for name, field := range regular(v) {
		if name == without {
			continue
		}
		data, err := field.MarshalJSON()
		if err != nil {
			return nil, false
		}
		fields[name] = data
	}
	data, err := json.Marshal(fields)
	return data, err == nil
}

// quote makes a list readable: "a, b and c".
func quote(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
