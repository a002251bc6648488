package schema

import (
	"slices"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// references are what a declaration may refer to, by name: rather too much than too little.
type references struct {
	names   map[string]bool
	all     bool // any model, whatever it is called
	imports map[*ast.ImportSpec]bool
}

// add gathers the references below a node. It has to see what the parser resolved.
func (r *references) add(n ast.Node) {
	ast.Walk(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			r.label(n.Label)
			if n.Value != nil {
				r.add(n.Value)
			}
			return false
		case *ast.SelectorExpr:
			name, _, err := ast.LabelName(n.Sel)
			if err != nil || !r.model(n.X, name) {
				r.add(n.X)
			}
			return false
		case *ast.IndexExpr:
			lit, ok := n.Index.(*ast.BasicLit)
			if !ok {
				return true
			}
			name, err := literal.Unquote(lit.Value)
			return err != nil || !r.model(n.X, name)
		case *ast.Ident:
			r.ident(n)
		}
		return true
	}, nil)
}

// among are those of the models that may be meant.
func (r *references) among(models map[string]bool) []string {
	if r.all {
		return sortedKeys(models)
	}
	return slices.DeleteFunc(sortedKeys(r.names), func(name string) bool { return !models[name] })
}

// label adds what a label is computed from; a plain one refers to nothing.
func (r *references) label(l ast.Label) {
	switch l.(type) {
	case *ast.Ident, *ast.BasicLit:
	default:
		r.add(l)
	}
}

// model adds NAME of models.NAME or selected.NAME; false where it is not that.
func (r *references) model(of ast.Expr, name string) bool {
	id, ok := of.(*ast.Ident)
	if !ok || id.Name != "models" && id.Name != "selected" {
		return false
	}
	r.names[name] = true
	return true
}

func (r *references) ident(id *ast.Ident) {
	if spec, ok := id.Node.(*ast.ImportSpec); ok {
		r.imports[spec] = true
		return
	}
	r.names[id.Name] = true
	r.all = r.all || id.Name == "models" || id.Name == "selected"
}

// forget makes CUE resolve the references of files again: it writes into the syntax what they refer to, and that is other syntax
// in each unit.
func forget(files []*ast.File) {
	for _, f := range files {
		f.Unresolved = nil
		ast.Walk(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				id.Node, id.Scope = nil, nil
			}
			return true
		}, nil)
	}
}
