package schema

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// Field is a field of the definitions, as people read about it.
type Field struct {
	Path     string  `json:"path"`              // such as models.NAME.train; what people give a name is in capitals
	Type     string  `json:"type"`              // what it takes, in words
	Required bool    `json:"required"`          // by what is around it, where that is there
	Comment  string  `json:"comment,omitempty"` // of trefoil.cue, line by line
	Fields   []Field `json:"fields,omitempty"`  // what is below it, each without what is below that
}

// Describe returns the field that a path leads to: models.mnist.train.search, where any name of a model will do or none, or
// train.search. The error names the nearest field.
func Describe(path string) (Field, error) {
	root := definedFields()
	words := strings.Split(path, ".")
	found, wrong := root.find(words)
	if wrong != nil {
		inModel := append([]string{"models", "NAME"}, words...)
		if other, also := root.find(inModel); also == nil {
			return other.described(), nil
		} else if len(wrong.left) == len(words) && (len(also.left) < len(words) || wrong.near == "" && also.near != "") {
			words, wrong = inModel, also
		}
		return Field{}, wrong.error(root, words)
	}
	return found.described(), nil
}

// spot is a place of the definitions with its way there.
type spot struct {
	shape
	path    []string
	comment string
	notes   map[string]string // comments of definitions by their names
}

// definedFields is the root of the definitions.
func definedFields() spot {
	f, root := ourRules()
	notes := map[string]string{}
	for _, d := range f.Decls {
		if field, ok := d.(*ast.Field); ok {
			if name, ok := fieldName(field); ok {
				notes[name] = comments(field)
			}
		}
	}
	return spot{shape: root, notes: notes}
}

// comments are what stands over a field.
func comments(f *ast.Field) string {
	var all []string
	for _, group := range ast.Comments(f) {
		all = append(all, strings.TrimSpace(group.Text()))
	}
	return strings.Join(all, "\n")
}

// below are the fields of a place in their order, each once.
func (p spot) below() []spot {
	var all []spot
	seen := map[string]bool{}
	for f := range p.fieldsOf(p.elements()) {
		name, plain := fieldName(f)
		if !plain {
			name = p.placeholder(labelPattern(f))
		}
		if seen[name] || strings.HasPrefix(name, "_") {
			continue
		}
		seen[name] = true
		inner := shape{p.definitions, p.patterns, f.Value, f.Constraint, ""}
		if !plain {
			inner.pattern = name
		}
		all = append(all, spot{inner, append(p.path[:len(p.path):len(p.path)], name), comments(f), p.notes})
	}
	return all
}

// elements is the expression with the fields of a place: of a list, that of its elements.
func (p spot) elements() ast.Expr {
	e := p.expr
	if d, ok := p.definitions[p.definition()]; ok {
		e = d
	}
	list, ok := e.(*ast.ListLit)
	if !ok || len(list.Elts) == 0 {
		return p.expr
	}
	if rest, ok := list.Elts[len(list.Elts)-1].(*ast.Ellipsis); ok && rest.Type != nil {
		return rest.Type
	}
	return p.expr
}

// placeholder stands for names that have to match a definition.
func (p spot) placeholder(pattern string) string {
	around := ""
	if len(p.path) > 0 {
		around = p.path[len(p.path)-1]
	}
	switch {
	case around == "serve":
		return "ENV"
	case pattern == "#LabelKey":
		return "KEY"
	case pattern == "#Ordinal":
		return "NUMBER"
	}
	return "NAME"
}

// described is what people read about a place.
func (p spot) described() Field {
	f := p.brief()
	fields := p.below()
	if len(fields) == 1 && fields[0].pattern != "" && len(fields[0].below()) > 0 { // what is below any name says more than the name
		fields = fields[0].below()
	}
	for _, inner := range fields {
		if len(p.path) > 0 || !strings.HasPrefix(inner.path[0], "#") {
			f.Fields = append(f.Fields, inner.brief())
		}
	}
	return f
}

func (p spot) brief() Field {
	words := p.words()
	if last := len(p.path) - 1; last > 0 && len(p.path) > 5 && p.path[last-2] == "matrix" {
		words = kindOf(p.path[last]).forms(words)
	}
	definition := p.shape
	if both, ok := p.expr.(*ast.BinaryExpr); ok && both.Op == token.AND { // further rules about what the first one defines
		definition.expr = both.X
	}
	comment := strings.TrimSpace(p.comment + "\n" + p.notes[definition.definition()])
	return Field{Path: strings.Join(p.path, "."), Type: words, Required: p.constraint == token.NOT, Comment: comment}
}

// strayed is where a path leaves the definitions.
type strayed struct {
	at   spot     // the last place that is there
	left []string // the words that lead nowhere from it
	near string   // what the first of them is likely meant to be; may be empty
}

// find follows the words of a path. The name of a model, or of anything else that people name, may be left out.
func (p spot) find(words []string) (spot, *strayed) {
	if len(words) == 0 {
		return p, nil
	}
	var names []string
	for _, inner := range p.below() {
		if last := inner.path[len(inner.path)-1]; inner.pattern == "" {
			if names = append(names, last); last == words[0] {
				return inner.find(words[1:])
			}
			continue
		}
		without, wrong := inner.find(words)
		if wrong == nil {
			return without, nil
		}
		named, also := inner.find(words[1:])
		if also == nil && words[0] != "" && (len(words) > 1 || wrong.near == "") {
			return named, nil
		}
		if also != nil && wrong.near == "" {
			return spot{}, also
		}
		return spot{}, wrong
	}
	if len(p.path) == 0 && !strings.HasPrefix(words[0], "#") {
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "#") })
	}
	near, _ := Nearest(words[0], names)
	return spot{}, &strayed{p, words, near}
}

// error says where a path of these words leaves the definitions, and which one may be meant.
func (s strayed) error(root spot, words []string) error {
	around, name := strings.Join(s.at.path, "."), s.left[0]
	if around == "" {
		around = schemaFile
	}
	says := fmt.Sprintf("%s has no field %q", around, name)
	switch fields := s.at.described().Fields; {
	case s.near == "" && len(fields) == 0:
		return fmt.Errorf("%s, and no others", says)
	case s.near == "":
		var names []string
		for _, f := range fields {
			names = append(names, strings.TrimPrefix(strings.TrimPrefix(f.Path, strings.Join(s.at.path, ".")), "."))
		}
		return fmt.Errorf("%s; it has %s", says, quote(names))
	}
	meant := append([]string{}, words...)
	meant[len(words)-len(s.left)] = s.near
	if _, wrong := root.find(meant); wrong != nil {
		meant = meant[:len(words)-len(s.left)+1]
	}
	return fmt.Errorf("%s; did you mean %s?", says, strings.Join(meant, "."))
}
