package schema

import (
	"encoding/json"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// records write sound values as JSON by the fields that the definitions have. CUE can write any value, but puts the fields of each
// struct into an order first, which nobody needs and which is most of what it does then.
type records map[ast.Expr][]record

// record is a field of a struct of the definitions.
type record struct {
	name  string
	path  cue.Path
	shape shape
}

// json appends a value of that shape, without one of its fields. It is not ok where the value has an error.
func (r records) json(b []byte, v cue.Value, s shape, without string) ([]byte, bool) {
	fields, known := r[s.expr]
	if !known {
		fields = s.records()
		r[s.expr] = fields
	}
	if fields == nil {
		data, err := v.MarshalJSON()
		return append(b, data...), err == nil
	}
	v, _ = v.Default()
	b = append(b, '{')
	first := len(b)
	for _, f := range fields {
		inner := v.LookupPath(f.path)
		if f.name == without || !inner.Exists() {
			continue
		}
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.name...), '"', ':')
		var ok bool
		if b, ok = r.json(b, inner, f.shape, ""); !ok {
			return nil, false
		}
	}
	return append(b, '}'), true
}

// records are the fields that make up the data of a struct of this shape, by name; nil where it may have any others, or is no struct.
func (s shape) records() []record {
	var all []record
	if !s.closed(s.expr, &all) {
		return nil
	}
	slices.SortStableFunc(all, func(a, b record) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(all, func(a, b record) bool { return a.name == b.name })
}

// closed gathers the fields of an expression; false where it may have others. Calls are rules about fields, such as matchN.
func (s shape) closed(e ast.Expr, all *[]record) bool {
	switch e := e.(type) {
	case *ast.Ident:
		d, ok := s.definitions[e.Name]
		return ok && s.closed(d, all)
	case *ast.CallExpr:
		return true
	case *ast.BinaryExpr:
		return e.Op == token.AND && s.closed(e.X, all) && s.closed(e.Y, all)
	case *ast.StructLit:
		for _, d := range e.Elts {
			if !s.closedBy(d, all) {
				return false
			}
		}
		return len(*all) > 0
	}
	return false
}

func (s shape) closedBy(d ast.Decl, all *[]record) bool {
	switch d := d.(type) {
	case *ast.EmbedDecl:
		_, rule := d.Expr.(*ast.CallExpr)
		return rule
	case *ast.CommentGroup:
		return true
	case *ast.Field:
		name, plain := fieldName(d)
		if plain && !strings.HasPrefix(name, "#") && !strings.HasPrefix(name, "_") {
			quoted, err := json.Marshal(name)
			plain = err == nil && string(quoted) == `"`+name+`"`
			*all = append(*all, record{name, cue.MakePath(cue.Str(name)), s.of(d)})
		}
		return plain
	}
	return false
}
