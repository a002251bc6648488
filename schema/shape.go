package schema

import (
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// shape is one place of the definitions: what may be written there. It answers what a field is called and what it takes
// without asking CUE, so that messages can say it in words.
type shape struct {
	definitions map[string]ast.Expr
	patterns    map[string]*regexp.Regexp // of the definitions that are nothing else
	expr        ast.Expr
	constraint  token.Token // token.NOT for name!, token.OPTION for name?
	pattern     string      // the definition that the field's name has to match; "" for a name of our own
}

// newShape reads the definitions; its root is the file itself.
func newShape(f *ast.File) shape {
	s := shape{definitions: map[string]ast.Expr{}, patterns: map[string]*regexp.Regexp{}, expr: &ast.StructLit{Elts: f.Decls}}
	for _, d := range f.Decls {
		if field, ok := d.(*ast.Field); ok {
			if name, ok := fieldName(field); ok {
				s.definitions[name], s.patterns[name] = field.Value, matcher(field.Value)
			}
		}
	}
	return s
}

// follow returns the shapes on the way to path, beginning with that of path[0]. It is shorter than path where the definitions
// don't know more.
func (s shape) follow(path []string) []shape {
	var way []shape
	for _, name := range path {
		next, ok := s.child(name)
		if !ok {
			return way
		}
		way, s = append(way, next), next
	}
	return way
}

// child is the shape of a field or a list element.
func (s shape) child(name string) (shape, bool) {
	if id, ok := s.expr.(*ast.Ident); ok && id.Name == "_" {
		return shape{definitions: s.definitions, patterns: s.patterns, expr: s.expr}, true
	}
	var pattern *ast.Field
	for f := range s.fieldsOf(s.expr) {
		label, plain := fieldName(f)
		switch {
		case plain && label == name:
			return s.of(f), true
		case !plain && pattern == nil:
			pattern = f
		}
	}
	if pattern != nil {
		return s.of(pattern), true
	}
	return shape{}, false
}

// of is the shape of a field of the definitions.
func (s shape) of(f *ast.Field) shape {
	return shape{s.definitions, s.patterns, f.Value, f.Constraint, labelPattern(f)}
}

// labelPattern is the definition N of a label [N] or [Alias=N].
func labelPattern(f *ast.Field) string {
	list, ok := f.Label.(*ast.ListLit)
	if !ok || len(list.Elts) != 1 {
		return ""
	}
	e := list.Elts[0]
	if alias, ok := e.(*ast.Alias); ok {
		e = alias.Expr
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// admits reports whether a name matches the regular expression of the pattern.
func (s shape) admits(name string) bool {
	match := s.patterns[s.pattern]
	return match == nil || match.MatchString(name)
}

// matcher is the regular expression that a definition consists of, or nil.
func matcher(e ast.Expr) *regexp.Regexp {
	unary, ok := e.(*ast.UnaryExpr)
	if !ok || unary.Op != token.MAT {
		return nil
	}
	lit, ok := unary.X.(*ast.BasicLit)
	if !ok {
		return nil
	}
	expression, err := literal.Unquote(lit.Value)
	if err != nil {
		return nil
	}
	match, err := regexp.Compile(expression)
	if err != nil {
		return nil // CUE refuses it too
	}
	return match
}

// names are the fields that may be written, sorted; none where any name may.
func (s shape) names() []string {
	var names []string
	for f := range s.fieldsOf(s.expr) {
		if name, ok := fieldName(f); ok && !strings.HasPrefix(name, "_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fieldsOf yields the fields of an expression through references, conjunctions and disjunctions.
func (s shape) fieldsOf(e ast.Expr) func(yield func(*ast.Field) bool) {
	return func(yield func(*ast.Field) bool) { s.yieldFields(e, yield) }
}

func (s shape) yieldFields(e ast.Expr, yield func(*ast.Field) bool) bool {
	switch e := e.(type) {
	case *ast.Ident:
		if d, ok := s.definitions[e.Name]; ok {
			return s.yieldFields(d, yield)
		}
	case *ast.ParenExpr:
		return s.yieldFields(e.X, yield)
	case *ast.BinaryExpr:
		return s.yieldFields(e.X, yield) && s.yieldFields(e.Y, yield)
	case *ast.StructLit:
		for _, d := range e.Elts {
			if f, ok := d.(*ast.Field); ok && !yield(f) {
				return false
			}
		}
	}
	return true
}

// definition is the name of the definition that the shape refers to, or "".
func (s shape) definition() string {
	if id, ok := s.expr.(*ast.Ident); ok && strings.HasPrefix(id.Name, "#") {
		return id.Name
	}
	return ""
}

// alternatives reports whether the shape is a choice: CUE then has one error for each alternative.
func (s shape) alternatives() bool {
	e := s.expr
	if d, ok := s.definitions[s.definition()]; ok {
		e = d
	}
	b, ok := e.(*ast.BinaryExpr)
	return ok && b.Op == token.OR
}

// counted reports whether the shape also rules how many of its fields there are.
func (s shape) counted() bool {
	found := false
	var look func(e ast.Node)
	look = func(n ast.Node) {
		switch n := n.(type) {
		case *ast.Ident:
			if d, ok := s.definitions[n.Name]; ok {
				look(d)
			}
		case *ast.BinaryExpr:
			look(n.X)
			look(n.Y)
		case *ast.StructLit:
			for _, d := range n.Elts {
				if e, ok := d.(*ast.EmbedDecl); ok {
					look(e.Expr)
				}
			}
		case *ast.CallExpr:
			found = true
		}
	}
	look(s.expr)
	return found
}
