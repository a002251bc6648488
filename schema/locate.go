package schema

import (
	"math"
	"strconv"

	"cuelang.org/go/cue/ast"
)

// locate finds the places of all fields with plain labels, and what people wrote there.
func locate(files []*ast.File) *places {
	return locator{texts: true, deepest: math.MaxInt}.files(files)
}

// outline is locate without what people wrote there, but for literals.
func outline(files ...*ast.File) *places { return locator{deepest: math.MaxInt}.files(files) }

// locator gathers places.
type locator struct {
	texts   bool
	deepest int  // how far down to go; 1 is fields that lie in no other one
	shared  bool // also what is written of all models at once
}

// everyModel is the name under which places are kept that are written of all models at once: models: [_]: {...}. No model has it.
const everyModel = "*"

func (l locator) files(files []*ast.File) *places {
	root := &places{}
	for _, f := range files {
		l.declarations(root, 1, f.Decls)
	}
	return root
}

func (l locator) declarations(around *places, depth int, decls []ast.Decl) {
	if depth > l.deepest {
		return
	}
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.Field:
			name, ok := fieldName(d)
			if !ok && l.shared && around.name == "models" && depth == 2 && ofAll(d) {
				name, ok = everyModel, true
			}
			if ok {
				l.expression(around.insert(name, l.written(d)), depth+1, d.Value)
			}
		case *ast.EmbedDecl:
			l.expression(around, depth, d.Expr)
		case *ast.Comprehension:
			l.expression(around, depth, d.Value)
		}
	}
}

// written tells where to look for a field: at a value that fits on a line, else at the name.
func (l locator) written(f *ast.Field) place {
	label := position(f.Label.Pos())
	switch f.Value.(type) {
	case *ast.StructLit, *ast.ListLit:
		return place{label, &words{Label: label}}
	}
	return place{position(f.Value.Pos()), &words{Label: label, Text: l.text(f.Value)}}
}

func (l locator) text(e ast.Expr) string {
	if l.texts {
		return text(e)
	}
	if literal, ok := e.(*ast.BasicLit); ok {
		return literal.Value
	}
	return ""
}

func (l locator) expression(around *places, depth int, e ast.Expr) {
	switch e := e.(type) {
	case *ast.StructLit:
		l.declarations(around, depth, e.Elts)
	case *ast.ParenExpr:
		l.expression(around, depth, e.X)
	case *ast.BinaryExpr:
		l.expression(around, depth, e.X)
		l.expression(around, depth, e.Y)
	case *ast.ListLit:
		if depth <= l.deepest {
			l.list(around, depth, e.Elts)
		}
	}
}

func (l locator) list(around *places, depth int, elements []ast.Expr) {
	for i, e := range elements {
		if _, ok := e.(*ast.Comprehension); ok {
			return // how many elements it makes is not known here
		}
		at := position(e.Pos())
		l.expression(around.insert(strconv.Itoa(i), place{at, &words{Label: at, Text: l.text(e), Item: true}}), depth+1, e)
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
