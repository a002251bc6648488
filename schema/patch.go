package schema

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// patches are changes of syntax that can be taken back: units share it.
type patches []func()

// replace turns the identifiers at these places into `_`, and what is computed from them, since CUE refuses to compute with that.
func (p *patches) replace(f *ast.File, at map[Position]bool) {
	ast.Walk(f, nil, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.Ident:
			if at[position(n.Pos())] {
				before := n.Name
				*p = append(*p, func() { n.Name = before })
				n.Name = "_"
			}
		case *ast.BinaryExpr:
			if n.Op != token.AND && n.Op != token.OR && (isTop(n.X) || isTop(n.Y)) {
				before := *n
				*p = append(*p, func() { *n = before })
				n.Op, n.X, n.Y = token.AND, ast.NewIdent("_"), ast.NewIdent("_")
			}
		}
	})
}

// undo makes the syntax what people wrote.
func (p patches) undo() {
	for i := len(p) - 1; i >= 0; i-- {
		p[i]()
	}
}

// isTop reports whether an expression is `_`, or was made that.
func isTop(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "_"
	case *ast.BinaryExpr:
		return e.Op == token.AND && isTop(e.X) && isTop(e.Y)
	}
	return false
}
