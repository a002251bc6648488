package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
)

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

// shown is a path as people call it: inside its model, train.search, or what the daemon wrote, selected.mnist.latest.
func shown(path []string) string {
	if len(path) > 2 && path[0] == "models" {
		path = path[2:]
	}
	return strings.Join(path, ".")
}

// message is CUE's own text of one error, on one line and cut where it quotes half a file.
func message(e errors.Error) string {
	const long = 200
	format, args := e.Msg()
	text := []rune(oneLine(fmt.Sprintf(format, args...)))
	if len(text) > long {
		return string(text[:long]) + "..."
	}
	return string(text)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// compileFinding explains an error of CUE's compiler, which knows no path: its place tells what it is about.
func compileFinding(e errors.Error, at *places) Finding {
	f := Finding{Code: codeEvaluate, Severity: Error, Message: message(e)}
	if users := userPositions([]errors.Error{e}); len(users) > 0 {
		f.Pos = users[0]
		f.Scope = scopeOf(at.owner(f.Pos))
	}
	if format, args := e.Msg(); strings.HasPrefix(format, "reference %q") && len(args) > 0 {
		name := fmt.Sprint(args[0])
		owner := at.owner(f.Pos)
		f.Message, f.Hint = "nothing is called "+name, at.nameless(name, owner)
	}
	if format, _ := e.Msg(); strings.HasPrefix(format, "imported and not used") {
		f.Hint = "take the import out"
	}
	return f
}

// nameless is the hint for a name that stands for nothing, in the value of a field.
func (p *places) nameless(name string, owner []string) string {
	value := p.get(owner...).Text
	var known []string
	for _, field := range p.sorted() {
		known = append(known, field.name)
	}
	near, ok := Nearest(name, known)
	switch hint := unquotedText(name, value); {
	case strings.Contains(value, `\(`+name):
		return fmt.Sprintf("a parameter is written {{ %s }}; \\(...) is CUE's own", name)
	case ok && (strings.HasPrefix(name, "_") || hint == ""):
		return fmt.Sprintf("did you mean %s?", near)
	case hint != "":
		return hint
	}
	return "text needs quotes; a name has to be a field or a `let` around it"
}

// unquotedText is the hint for a word that stands for nothing: mostly it is text that lacks its quotes, all of the value.
func unquotedText(word, value string) string {
	value = strings.ReplaceAll(value, " - ", "-")
	switch {
	case pure(word):
		return fmt.Sprintf("import %q", word)
	case regexp.MustCompile(`^[A-Za-z][-.A-Za-z0-9]*$`).MatchString(value):
		return fmt.Sprintf("text needs quotes: %q", value)
	}
	return ""
}

// hasIdent reports whether an identifier begins at the position.
func hasIdent(files []*ast.File, pos Position) bool {
	found := false
	for _, f := range files {
		ast.Walk(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && position(id.Pos()) == pos
			return !found
		}, nil)
	}
	return found
}
