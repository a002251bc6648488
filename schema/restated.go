package schema

import (
	"slices"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// restated takes out of a file what says again what the definitions say: `#Model &` before a model, or `#Model` in it. People write it for
// their editors: a language server that doesn't match names with patterns knows only so what the fields of a model are. It changes no
// value; but CUE would blame its place for whatever is wrong with the model.
func (s shape) restated(decls []ast.Decl) {
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, plain := fieldName(f)
		inner, known := s.child(name)
		if !plain || !known {
			continue
		}
		f.Value = inner.without(f.Value)
		if body, ok := f.Value.(*ast.StructLit); ok {
			body.Elts = slices.DeleteFunc(body.Elts, func(d ast.Decl) bool {
				embedded, ok := d.(*ast.EmbedDecl)
				return ok && inner.isItself(embedded.Expr)
			})
			inner.restated(body.Elts)
		}
	}
}

// without is a conjunction without the definition of its place.
func (s shape) without(e ast.Expr) ast.Expr {
	both, ok := e.(*ast.BinaryExpr)
	switch {
	case !ok || both.Op != token.AND:
		return e
	case s.isItself(both.X):
		return s.without(both.Y)
	case s.isItself(both.Y):
		return s.without(both.X)
	}
	both.X = s.without(both.X)
	return both
}

// isItself reports whether an expression is the name of the definition that a place has anyway, and not one of the file's own.
func (s shape) isItself(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	definition := s.expr
	if both, further := definition.(*ast.BinaryExpr); further && both.Op == token.AND {
		definition = both.X
	}
	ours, defined := definition.(*ast.Ident)
	return ok && defined && name.Node == nil && name.Name == ours.Name
}
