package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// advise adds what to try with a value that doesn't fit.
func (x explainer) advise(f *Finding, path []string, s shape) {
	text := x.places.get(path...).Text
	switch definition := s.definition(); {
	case definition == "#Commit" && path[0] == "models":
		f.Code = codeCommit
		f.Hint = "a branch or tag would move without a pull request; `git ls-remote URL` names its commit"
	case definition == "#Path":
		f.Code, f.Hint = codeArtifact, below(text)
	case definition == "#Command":
		f.Hint = x.words(path, text)
	case len(path) == 7 && x.list(path):
		f.Hint = x.unquote(path)
	case definition == "#Dimension" && x.list(path):
		f.Hint = "values to choose from are choice: [...]"
	case definition == "#Dimension" && text != "":
		f.Hint = "a value that stays the same goes into train.params"
	case definition == "#Value" && x.list(path):
		f.Hint = "values to try go into train.search"
	case path[len(path)-1] == "choice" && len(path) == 7:
		f.Hint = listed(text)
	default:
		f.Hint = cmp.Or(reworded(x.meaning(path, s), text), retyped(text, s), wrapped(path[len(path)-1], text, s))
	}
}

// tie is the hint for a list of ties: the word that one of its goals is meant to be.
func (x explainer) tie(path []string, s shape) string {
	for i := 0; x.places.has(append(slices.Clone(path), strconv.Itoa(i))...); i++ {
		written, err := literal.Unquote(x.places.get(append(slices.Clone(path), strconv.Itoa(i), "goal")...).Text)
		goals := s.choices(s.definitions["#Goal"])
		if near, ok := Nearest(written, goals); err == nil && ok && !slices.Contains(goals, written) {
			return fmt.Sprintf("goal is %q: did you mean %q?", written, near)
		}
	}
	return ""
}

// meaning is the definition that a value was meant for: of a range, the text.
func (x explainer) meaning(path []string, s shape) string {
	if len(path) == 7 && path[4] == "matrix" {
		return "#Triple"
	}
	return s.definition()
}

// listed is the hint for values that stand in one text.
func listed(text string) string {
	plain, err := literal.Unquote(text)
	if err != nil {
		return ""
	}
	var values []string
	for _, v := range strings.FieldsFunc(plain, func(r rune) bool { return strings.ContainsRune(":,; ", r) }) {
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			v = strconv.Quote(v)
		}
		values = append(values, v)
	}
	return "write [" + strings.Join(values, ", ") + "]"
}

// list reports whether people wrote a list, with something in it.
func (x explainer) list(path []string) bool {
	return x.places.get(append(slices.Clone(path), "0")...).Item
}

// retyped guesses what people meant: another word of a choice, or the same number with or without quotes.
func retyped(text string, s shape) string {
	plain, err := literal.Unquote(text)
	quoted := err == nil
	if near, ok := Nearest(plain, s.choices(s.expr)); ok && quoted {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if strings.HasPrefix(text, "'") {
		return fmt.Sprintf("write %q: what is in '...' are bytes", plain)
	}
	if !quoted {
		plain = text
	}
	n, err := strconv.ParseFloat(plain, 64)
	switch s.words() {
	case expectation("string"), expectation("#Quantity"):
		if err == nil && !quoted {
			return fmt.Sprintf("write %q", text)
		}
	case expectation("int64"), expectation("#Count"), expectation("#Tally"), expectation("#Pick"):
		if err == nil && quoted && n >= 1 {
			return "write " + plain
		}
	}
	return ""
}

// respelt is a name that would do in place of one that doesn't, or "".
func respelt(name string, s shape) string {
	for _, other := range []string{strings.ReplaceAll(strings.ToLower(name), "_", "-"), strings.ReplaceAll(name, "-", "_")} {
		if other != name && s.admits(other) {
			return fmt.Sprintf(", such as %q", other)
		}
	}
	return ""
}

// choices are the texts among the alternatives of an expression.
func (s shape) choices(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.Ident:
		return s.choices(s.definitions[e.Name])
	case *ast.BinaryExpr:
		return append(s.choices(e.X), s.choices(e.Y)...)
	case *ast.BasicLit:
		if plain, err := literal.Unquote(e.Value); err == nil && strings.HasPrefix(e.Value, `"`) {
			return []string{plain}
		}
	}
	return nil
}

// meant says what to write in place of a field that is not known: a word of ours, the field of that name elsewhere in a model, or one
// a typo away. The field is "" where it is none of those that may be there.
func (x explainer) meant(name string, parent, names []string) (field, hint string) {
	if ours := renamed(name); slices.Contains(names, ours) {
		return ours, fmt.Sprintf("it is called %s here", ours)
	}
	if place := x.shape.place([]string{"models", "NAME"}, name); place != nil && len(parent) > 1 && parent[0] == "models" && len(name) > 2 {
		return "", fmt.Sprintf("it belongs into %s", cmp.Or(strings.Join(place, "."), "the model itself"))
	}
	if near, ok := Nearest(name, names); ok {
		return near, fmt.Sprintf("did you mean %q?", near)
	}
	return "", "it has " + strings.Join(names, ", ")
}

// place is the path below a model of the struct that has a field of that name; nil where there is none. The shortest counts, then
// the first.
func (s shape) place(model []string, name string) []string {
	const deepest = 3
	way := s.follow(model)
	type step struct {
		shape shape
		path  []string
	}
	queue := []step{{way[len(way)-1], []string{}}}
	for len(queue) > 0 {
		here := queue[0]
		queue = queue[1:]
		names := here.shape.names()
		if slices.Contains(names, name) {
			return here.path
		}
		for _, inner := range names {
			if next, ok := here.shape.child(inner); ok && len(here.path) < deepest {
				queue = append(queue, step{next, append(slices.Clone(here.path), inner)})
			}
		}
	}
	return nil
}
