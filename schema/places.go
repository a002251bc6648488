package schema

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/token"
)

// places knows where people wrote each field, by its path. What comes out of a template, a comprehension or a reference has no
// place of its own: then the nearest field around it is where to look.
type places map[string]place

// place is where a field was written for the first time.
type place struct {
	Label Position   `json:",omitzero"`
	Pos   Position   // the value where it fits on a line, else the label
	Text  string     `json:",omitempty"` // the value as it was written, one line; empty for structs and lists
	Again []Position `json:",omitempty"` // other values of the same field
	Item  bool       `json:",omitempty"` // an element of a list
}

// slim leaves what the rules ask for once CUE was evaluated.
func (p places) slim() places {
	slim := make(places, len(p))
	for key, at := range p {
		slim[key] = place{Pos: at.Pos, Text: at.Text}
	}
	return slim
}

// isSourcePath reports whether a field names a folder of the repository.
func isSourcePath(path []string) bool {
	return len(path) == 5 && path[3] == "source" && path[4] == "path"
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }

// at returns the place of the field, or of the nearest one around it.
func (p places) at(path ...string) Position {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if found, ok := p[pathKey(path)]; ok {
			return found.Pos
		}
	}
	return Position{}
}

// has reports whether the field was written out.
func (p places) has(path ...string) bool {
	_, ok := p[pathKey(path)]
	return ok
}

// listed reports whether the field is an element of a list, or lies in one.
func (p places) listed(path []string) bool {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if p[pathKey(path)].Item {
			return true
		}
	}
	return false
}

// owner returns the path of the innermost field that begins at or before a position and is written in its file.
func (p places) owner(pos Position) []string {
	best, found := Position{}, ""
	for key, at := range p {
		if at.Pos.File != pos.File || comparePlace(at.Pos, pos) > 0 {
			continue
		}
		if c := comparePlace(at.Pos, best); found == "" || c > 0 || c == 0 && len(key) > len(found) {
			best, found = at.Pos, key
		}
	}
	return strings.Split(found, "\x00")
}

func comparePlace(a, b Position) int {
	return slices.Compare([]int{a.Line, a.Column}, []int{b.Line, b.Column})
}

// locate finds the places of all fields with plain labels.
func locate(files []*ast.File) places {
	return locator{places: places{}, texts: func([]string) bool { return true }}.files(files)
}

// outline is locate without what people wrote there, but for the folders that they name.
func outline(files []*ast.File) places {
	return locator{places: places{}, texts: isSourcePath}.files(files)
}

// locator gathers places.
type locator struct {
	places
	texts  func(path []string) bool // where the text is of interest
	shared bool                     // also what is written of all models at once
}

// everyModel is the name under which places are kept that are written of all models at once: models: [_]: {...}. No model has it.
const everyModel = "*"

func (l locator) files(files []*ast.File) places {
	for _, f := range files {
		l.declarations(nil, f.Decls)
	}
	return l.places
}

func (l locator) declarations(path []string, decls []ast.Decl) {
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.Field:
			name, ok := fieldName(d)
			if !ok && l.shared && pathKey(path) == "models" && ofAll(d) {
				name, ok = everyModel, true
			}
			if ok {
				l.field(append(slices.Clone(path), name), d)
			}
		case *ast.EmbedDecl:
			l.expression(path, d.Expr)
		case *ast.Comprehension:
			l.expression(path, d.Value)
		}
	}
}

func (l locator) field(path []string, f *ast.Field) {
	l.add(path, l.written(path, f))
	l.expression(path, f.Value)
}

// written tells where to look for a field: at a value that fits on a line, else at the name.
func (l locator) written(path []string, f *ast.Field) place {
	label := position(f.Label.Pos())
	switch f.Value.(type) {
	case *ast.StructLit, *ast.ListLit:
		return place{Label: label, Pos: label}
	}
	return place{Label: label, Pos: position(f.Value.Pos()), Text: l.text(path, f.Value)}
}

func (l locator) text(path []string, e ast.Expr) string {
	if !l.texts(path) {
		return ""
	}
	return text(e)
}

func (p places) add(path []string, new place) {
	key := pathKey(path)
	first, there := p[key]
	if !there {
		p[key] = new
		return
	}
	first.Again = append(first.Again, new.Pos)
	p[key] = first
}

func (l locator) expression(path []string, e ast.Expr) {
	switch e := e.(type) {
	case *ast.StructLit:
		l.declarations(path, e.Elts)
	case *ast.ParenExpr:
		l.expression(path, e.X)
	case *ast.BinaryExpr:
		l.expression(path, e.X)
		l.expression(path, e.Y)
	case *ast.ListLit:
		for i, elt := range e.Elts {
			if _, ok := elt.(*ast.Comprehension); ok {
				return // how many elements it makes is not known here
			}
			inner := append(slices.Clone(path), strconv.Itoa(i))
			l.add(inner, place{Label: position(elt.Pos()), Pos: position(elt.Pos()), Text: l.text(inner, elt), Item: true})
			l.expression(inner, elt)
		}
	}
}

// ofAll reports whether the label of a field is [_] or [string], with or without a name for what it stands for.
func ofAll(f *ast.Field) bool {
	list, ok := f.Label.(*ast.ListLit)
	if !ok || len(list.Elts) != 1 {
		return false
	}
	pattern := list.Elts[0]
	if alias, ok := pattern.(*ast.Alias); ok {
		pattern = alias.Expr
	}
	ident, ok := pattern.(*ast.Ident)
	return ok && (ident.Name == "_" || ident.Name == "string")
}

// fieldName returns the label of a field that is no pattern and not computed.
func fieldName(f *ast.Field) (string, bool) {
	label := f.Label
	if alias, ok := label.(*ast.Alias); ok {
		inner, isLabel := alias.Expr.(ast.Label)
		if !isLabel {
			return "", false
		}
		label = inner
	}
	name, _, err := ast.LabelName(label)
	return name, err == nil
}

// text is an expression as people wrote it, cut where it gets long.
func text(n ast.Node) string {
	const long = 48
	b, err := format.Node(n)
	if err != nil || strings.ContainsRune(string(b), '\n') {
		return ""
	}
	if r := []rune(string(b)); len(r) > long {
		return string(r[:long]) + "..."
	}
	return string(b)
}

// position forgets what only CUE knows about a position.
func position(p token.Pos) Position {
	if !p.IsValid() {
		return Position{}
	}
	at := p.Position()
	return Position{File: at.Filename, Line: at.Line, Column: at.Column}
}
