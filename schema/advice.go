package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// advise adds what to try with a value that doesn't fit.
func (x explainer) advise(f *Finding, path []string, s shape) {
	text := x.places[pathKey(path)].Text
	switch definition := s.definition(); {
	case definition == "#Commit" && path[0] == "models":
		f.Code = codeCommit
		f.Hint = "a branch or tag would move without a pull request; `git ls-remote URL` names its commit"
	case definition == "#Path":
		f.Code = codeArtifact
	case definition == "#Dimension" && x.list(path):
		f.Hint = "values to choose from are choice: [...]"
	case definition == "#Dimension" && text != "":
		f.Hint = "a value that stays the same goes into train.params"
	case definition == "#Value" && x.list(path):
		f.Hint = "values to try go into train.search"
	default:
		f.Hint = retyped(text, s)
	}
}

// list reports whether people wrote a list, with something in it.
func (x explainer) list(path []string) bool {
	return x.places[pathKey(append(slices.Clone(path), "0"))].Item
}

// retyped guesses what people meant: another word of a choice, or the same number with or without quotes.
func retyped(text string, s shape) string {
	plain, err := literal.Unquote(text)
	quoted := err == nil
	if near, ok := nearest(plain, s.choices(s.expr)); ok && quoted {
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
