package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
)

// explainer turns CUE's errors into findings: one a field, at the place in people's files, in words of the definitions.
type explainer struct {
	root   cue.Value
	shape  shape
	places places
}

// findings explains errors; those of one field, such as the alternatives of a choice, become one.
func (x explainer) findings(list []errors.Error) []Finding {
	var order []string
	grouped := map[string][]errors.Error{}
	for _, e := range list {
		path := x.field(e.Path())
		if slices.Contains(path, "_passes") { // the rule about releases says it better
			continue
		}
		key := pathKey(path)
		if grouped[key] == nil {
			order = append(order, key)
		}
		grouped[key] = append(grouped[key], e)
	}
	var found []Finding
	for _, key := range order {
		found = append(found, x.finding(strings.Split(key, "\x00"), grouped[key]))
	}
	return found
}

// field cuts a path at the first choice: which alternative was meant is not known.
func (x explainer) field(path []string) []string {
	for i, s := range x.shape.follow(path) {
		if s.alternatives() {
			return path[:i+1]
		}
	}
	return path
}

func (x explainer) finding(path []string, list []errors.Error) Finding {
	f := Finding{Severity: Error, Scope: scopeOf(path), Pos: x.places.at(path...)}
	users := userPositions(list)
	if len(users) > 0 {
		f.Pos = users[0]
	}
	way := x.shape.follow(path)
	switch last := len(way) - 1; {
	case path[0] != "models" && path[0] != "selected" && path[0] != "retired" || last < 0:
		f.Code, f.Message = codeEvaluate, message(list[0])
	case len(way) < len(path):
		x.unknown(&f, path, way)
	case !way[last].admits(path[last]):
		f.Code, f.Message = codeName, fmt.Sprintf("%q can't be the name of %s", path[last], thing(way[last].pattern))
		f.Hint = expectation(way[last].pattern)
	case len(users) == 0 && !x.exists(path):
		f.Code, f.Message = codeMissing, fmt.Sprintf("%s is missing", shown(path))
		f.Hint = expectation(way[last].definition())
	case x.undecided(path):
		f.Code, f.Message = codeConcrete, fmt.Sprintf("%s has no value yet%s", shown(path), x.written(path, ", only "))
		f.Hint = "write one"
	case way[last].counted() && x.places[pathKey(path)].Text == "":
		f.Code, f.Message = codeExactly, fmt.Sprintf("%s needs exactly one way", shown(path))
		f.Hint = expectation(cmp.Or(way[last].definition(), "#Dimension"))
	default:
		x.mismatch(&f, path, way[last], users, list)
	}
	return f
}

// unknown explains a field that the definitions don't have.
func (x explainer) unknown(f *Finding, path []string, way []shape) {
	around, name := way[len(way)-1], path[len(way)]
	f.Code, f.Message = codeUnknown, fmt.Sprintf("%s has no field %q", shown(path[:len(way)]), name)
	names := around.names()
	if len(names) == 0 {
		f.Code, f.Message = codeValue, fmt.Sprintf("%s has to be %s", shown(path[:len(way)]), around.words())
		return
	}
	if around.definition() == "#Search" && unsupported(name) {
		f.Code, f.Message = codeAlgorithm, fmt.Sprintf("the search %q is not run by Polyaxon's Community Edition", name)
		f.Hint = "use random, grid or mapping"
		return
	}
	if near, ok := nearest(name, names); ok {
		f.Hint = fmt.Sprintf("did you mean %q?", near)
		return
	}
	f.Hint = "it has " + strings.Join(names, ", ")
}

// unsupported are the algorithms that Polyaxon's words allow and its Community Edition fails or hangs on.
func unsupported(search string) bool {
	return slices.Contains([]string{"asha", "bayes", "hyperband", "hyperopt", "iterative", "tpe"}, search)
}

// mismatch explains a value that is there and wrong.
func (x explainer) mismatch(f *Finding, path []string, s shape, users []Position, list []errors.Error) {
	f.Code = codeValue
	if len(users) > 1 {
		f.Message = fmt.Sprintf("%s has two values that don't agree, here and at %s", shown(path), users[1])
		return
	}
	if f.Message = fmt.Sprintf("%s%s has to be %s", shown(path), x.written(path, " is "), s.words()); s.words() == "" {
		f.Message = fmt.Sprintf("%s: %s", shown(path), message(list[0]))
	}
	if path[len(path)-1] == "commit" && len(path) > 2 && path[len(path)-2] == "git" {
		f.Code = codeCommit
		f.Hint = "a branch or tag would move without a pull request; `git ls-remote URL` names its commit"
	}
}

// written quotes what people wrote, if it fits.
func (x explainer) written(path []string, before string) string {
	text := x.places[pathKey(path)].Text
	if text == "" {
		return ""
	}
	if before == " is " {
		return before + text + ", but"
	}
	return before + text
}

func (x explainer) exists(path []string) bool {
	return x.value(path).Exists()
}

// undecided reports whether nothing is wrong but that a value is open.
func (x explainer) undecided(path []string) bool {
	v := x.value(path)
	return v.Exists() && v.Validate() == nil
}

func (x explainer) value(path []string) cue.Value {
	v := x.root
	for _, name := range path {
		v = step(v, name)
	}
	return v
}

// step goes to a field, a definition or a list element.
func step(v cue.Value, name string) cue.Value {
	switch {
	case strings.HasPrefix(name, "#"):
		return v.LookupPath(cue.MakePath(cue.Def(name)))
	case v.IncompleteKind() == cue.ListKind:
		return v.LookupPath(cue.ParsePath("[" + name + "]"))
	}
	return v.LookupPath(cue.MakePath(cue.Str(name)))
}

// userPositions are the distinct places of errors in people's files, in CUE's order.
func userPositions(list []errors.Error) []Position {
	var users []Position
	for _, e := range list {
		for _, p := range errors.Positions(e) {
			if at := position(p); at.Line > 0 && at.File != schemaFile && !slices.Contains(users, at) {
				users = append(users, at)
			}
		}
	}
	return users
}

// scopeOf is what a path of the spec is about.
func scopeOf(path []string) Scope {
	switch {
	case len(path) < 2 || path[0] != "models" && path[0] != "selected":
		return Scope{}
	case len(path) > 3 && path[0] == "models" && path[2] == "serve":
		return Scope{Model: path[1], Environment: path[3]}
	}
	return Scope{Model: path[1]}
}

// shown is a path as people call it inside its model: train.search.
func shown(path []string) string {
	if len(path) > 2 && (path[0] == "models" || path[0] == "selected") {
		path = path[2:]
	}
	return strings.Join(path, ".")
}

// message is CUE's own text of one error, on one line.
func message(e errors.Error) string {
	format, args := e.Msg()
	return oneLine(fmt.Sprintf(format, args...))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// compileFinding explains an error of CUE's compiler, which knows no path: its place tells what it is about.
func compileFinding(e errors.Error, at places) Finding {
	f := Finding{Code: codeEvaluate, Severity: Error, Message: message(e)}
	if users := userPositions([]errors.Error{e}); len(users) > 0 {
		f.Pos = users[0]
		f.Scope = scopeOf(at.owner(f.Pos))
	}
	return f
}

// hasIdent reports whether an identifier begins at the position.
func hasIdent(files []*ast.File, pos Position) bool {
	found := false
	for _, f := range files {
		if f.Filename == pos.File {
			found = found || replaceIdents(f, map[Position]bool{pos: true}) > 0
		}
	}
	return found
}
