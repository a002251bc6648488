package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// explainer turns CUE's errors into findings: one a field, at the place in people's files, in words of the definitions.
type explainer struct {
	root   cue.Value
	shape  shape
	places *places
	told   map[string]bool // fields that need no further word
}

func newExplainer(root cue.Value, at *places, rules shape) explainer {
	return explainer{root: root, shape: rules, places: at, told: map[string]bool{}}
}

// unknownFields compares what people wrote with the definitions. CUE finds such fields too, but not while anything else is
// wrong with the struct, and it lets pass what begins with #: a misspelt #gate would be no gate.
func (x explainer) unknownFields() []Finding {
	var found []Finding
	x.eachField(x.places, nil, nil, func(path []string, way []shape, at place) {
		if x.misnamed(path, way) && x.tell(path) {
			found = append(found, x.name(path, way[len(way)-1]))
			return
		}
		if path[0] != "models" && path[0] != "selected" || len(way) != len(path)-1 || strings.HasPrefix(path[len(way)], "_") ||
			x.places.listed(path) || slices.ContainsFunc(way, shape.alternatives) || inside(path, way) {
			return
		}
		f := Finding{Severity: Error, Scope: scopeOf(path), Pos: at.Label}
		if x.unknown(&f, path, way) && x.tell(path) {
			found = append(found, f)
		}
	})
	return found
}

// eachField goes through what people wrote below a field, with the path to each and the shapes on the way there, as follow has them.
func (x explainer) eachField(around *places, path []string, way []shape, look func(path []string, way []shape, at place)) {
	for _, c := range around.sorted() {
		path, way := append(path, c.name), way
		if len(way) == len(path)-1 {
			here := x.shape
			if len(way) > 0 {
				here = way[len(way)-1]
			}
			if next, ok := here.child(c.name); ok {
				way = append(way, next)
			}
		}
		look(path, way, c.place)
		x.eachField(c, path, way, look)
	}
}

// findings explains errors; those of one field, such as the alternatives of a choice, become one.
func (x explainer) findings(list []errors.Error) []Finding {
	var order []string
	grouped := map[string][]errors.Error{}
	for _, e := range list {
		path := x.field(unquoted(e.Path()), e)
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
		inner := func(other string) bool { return strings.HasPrefix(other, key+"\x00") }
		path := strings.Split(key, "\x00")
		f := x.finding(path, grouped[key])
		if f.Code == codeExactly && slices.ContainsFunc(order, inner) || !x.tell(path) {
			continue
		}
		found = append(found, f)
	}
	return found
}

func unquoted(path []string) []string {
	path = slices.Clone(path)
	for i, name := range path {
		if plain, err := literal.Unquote(name); err == nil && strings.HasPrefix(name, `"`) {
			path[i] = plain
		}
	}
	return path
}

// field cuts the path of an error where only the field around it tells what is wrong: at a name that can't be, at a choice,
// where it is not known which alternative was meant, and at a struct that lacks one of several fields.
func (x explainer) field(path []string, e errors.Error) []string {
	way := x.shape.follow(path)
	for i, s := range way {
		if s.alternatives() || !s.admits(path[i]) {
			return path[:i+1]
		}
	}
	last := len(way) - 1
	if last >= 0 && last < len(path)-1 {
		return path[:last+2]
	}
	if last > 0 && last == len(path)-1 && way[last].constraint == token.OPTION && way[last-1].counted() &&
		!x.places.has(path...) && len(userPositions([]errors.Error{e})) == 0 {
		return path[:last]
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
	last := len(way) - 1
	if path[0] == "" {
		f.Code, f.Message = codeEvaluate, "the files together are no struct: something stands outside of all fields"
		f.Hint = "a file of specs holds fields, such as `models: mnist: {...}`"
		return f
	}
	if last < 0 || path[0] != "models" && path[0] != "selected" && path[0] != "retired" {
		f.Code, f.Message = codeEvaluate, message(list[0])
		return f
	}
	switch here := way[last]; {
	case len(way) < len(path) && strings.HasPrefix(path[len(way)], "_"): // people's own
		f.Code, f.Message = codeEvaluate, fmt.Sprintf("%s: %s", shown(path), message(list[0]))
	case len(way) < len(path):
		x.unknown(&f, path, way)
	case !here.admits(path[last]):
		return x.name(path, here)
	case !slices.ContainsFunc(list, func(e errors.Error) bool { return !notAllowed(e) }) && !slices.ContainsFunc(way, shape.alternatives):
		f.Code, f.Message = codeUnknown, fmt.Sprintf("%s is no field of the definition that this is made of", shown(path))
		f.Hint = "a definition (#NAME) takes no more fields than it has: call it _NAME, or add the field to it"
	case last > 0 && bounding(path[last-1]) != "" && last == len(path)-1 && len(users) > 1 && here.definition() == "#Limits":
		f.Code, f.Message = codeGate, fmt.Sprintf("nothing lies within %s of %s%s", bounding(path[last-1]), path[last], x.written(path, ", ", ""))
		f.Hint = "write bounds that a number can meet, such as >=0.9 & <1"
	case len(users) == 0 && !x.value(path).Exists():
		f.Code, f.Message = codeMissing, fmt.Sprintf("%s is missing", shown(path))
		f.Hint = expectation(here.definition())
	case here.counted() && x.places.get(path...).Text == "" && !x.list(path):
		f.Code, f.Message = codeExactly, fmt.Sprintf("%s needs exactly one way", shown(path))
		f.Hint = expectation(cmp.Or(here.definition(), "#Dimension"))
	case x.undecided(path):
		f.Code, f.Message = codeConcrete, fmt.Sprintf("%s has no value yet%s", shown(path), x.written(path, ", only ", ""))
		f.Hint = "write one"
	default:
		x.mismatch(&f, path, here, users, list)
	}
	return f
}

// notAllowed reports whether a closed struct lets a field not be there. Only here an error is known by its text: CUE has no code and no
// type for it that it shows to others, and of a struct with an error its Allows allows everything. testdata/load/field-closed.txtar fails
// where CUE says it in another way.
func notAllowed(e errors.Error) bool {
	format, _ := e.Msg()
	return format == "field not allowed"
}

// unknown explains a field that the definitions don't have, and what else need not be told then; false where this needs none.
func (x explainer) unknown(f *Finding, path []string, way []shape) bool {
	around, name, parent := way[len(way)-1], path[len(way)], path[:len(way)]
	names := around.names()
	if len(names) == 0 {
		f.Code, f.Message = codeValue, fmt.Sprintf("%s has to be %s", shown(parent), around.words())
		switch around.definition() {
		case "#Command":
			f.Hint = x.words(parent, "")
		case "#Ties":
			f.Hint = x.tie(parent, around)
		}
		return !x.told[pathKey(parent)]
	}
	f.Code, f.Message = codeUnknown, fmt.Sprintf("%s has no field %q", shown(parent), name)
	if around.counted() {
		x.tell(parent)
	}
	if around.definition() == "#Search" && unsupported(name) {
		f.Code, f.Message = codeAlgorithm, fmt.Sprintf("the search %q is not run by Polyaxon's Community Edition", name)
		f.Hint = "use random, grid or mapping"
	} else if near, hint := x.meant(name, parent, names); near != "" {
		f.Hint = hint
		x.tell(append(slices.Clone(parent), near))
	} else {
		f.Hint = hint
	}
	return !x.told[pathKey(path[:len(way)+1])]
}

// tell remembers that a field was explained; false if it was before.
func (x explainer) tell(path []string) bool {
	key := pathKey(path)
	before := x.told[key]
	x.told[key] = true
	return !before
}

// unsupported are the algorithms that Polyaxon's words allow and its Community Edition fails or hangs on.
func unsupported(search string) bool {
	return slices.Contains([]string{"asha", "bayes", "hyperband", "hyperopt", "iterative", "tpe"}, search)
}

// mismatch explains a value that is there and wrong.
func (x explainer) mismatch(f *Finding, path []string, s shape, users []Position, list []errors.Error) {
	f.Code = codeValue
	if other, ok := x.other(path, s, users); ok {
		f.Message = fmt.Sprintf("%s has two values that don't agree, here and at %s", shown(path), other)
		f.Hint = x.doubled(path)
		return
	}
	words := s.words()
	if len(path) == 7 && path[4] == "matrix" {
		words = kindOf(path[len(path)-1]).forms(words)
	}
	f.Message = fmt.Sprintf("%s%s has to be %s", shown(path), x.written(path, " is ", ", but"), words)
	if words == "" {
		f.Message = fmt.Sprintf("%s: %s", shown(path), message(list[0]))
	}
	x.advise(f, path, s)
}

// other is the place of a second value that contradicts the first. With a choice, CUE also tells of places inside the value.
func (x explainer) other(path []string, s shape, users []Position) (Position, bool) {
	first := x.places.get(path...)
	for _, place := range append([]Position{first.Pos}, first.Again...) {
		if x.list(path) && len(first.Again) > 0 && len(users) > 0 && place.Line != users[0].Line {
			return place, true
		}
	}
	for _, again := range first.Again {
		if i := slices.Index(users, again); i > 0 {
			return users[i], true
		}
	}
	if len(users) > 1 && !s.alternatives() {
		return users[1], true
	}
	return Position{}, false
}

// written quotes what people wrote, if it fits.
func (x explainer) written(path []string, before, after string) string {
	if text := x.places.get(path...).Text; text != "" {
		return before + text + after
	}
	return ""
}
