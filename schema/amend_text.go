package schema

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// releaseText is a release as the daemon writes it.
func releaseText(model string, r Release) string {
	var b strings.Builder
	fmt.Fprintf(&b, "selected: %s: releases: %q: {\n", label(model), strconv.Itoa(r.Number))
	fmt.Fprintf(&b, "\tanswers: {search: %s, select: %s", quoted(string(r.Answers.Search)), quoted(string(r.Answers.Select)))
	if r.Answers.Package != "" {
		fmt.Fprintf(&b, ", package: %s", quoted(string(r.Answers.Package)))
	}
	fmt.Fprintf(&b, "}\n\texperiment: %s\n", quoted(r.Experiment))
	if len(r.Params) > 0 {
		fmt.Fprintf(&b, "\tparams: %s\n", structText(r.Params))
	}
	fmt.Fprintf(&b, "\tmetrics: %s\n", structText(r.Metrics))
	fmt.Fprintf(&b, "\tartifact: {path: %s, sha256: %s}\n", quoted(r.Artifact.Path), quoted(r.Artifact.SHA256))
	fmt.Fprintf(&b, "\tcommit: %s\n", quoted(r.Commit))
	if r.Image != "" {
		fmt.Fprintf(&b, "\timage: %s\n", quoted(r.Image))
	}
	b.WriteString("}\n")
	return b.String()
}

// structText writes named values on one line, sorted.
func structText[V any](values map[string]V) string {
	var fields []string
	for _, name := range sortedKeys(values) {
		fields = append(fields, label(name)+": "+scalar(values[name]))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// scalar is a value in CUE; what has no literal there, such as NaN, becomes text that doesn't read as the value.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

func quoted(s string) string { return literal.String.Quote(s) }

// label is a field's name, in quotes only where CUE needs them.
func label(name string) string {
	if ast.StringLabelNeedsQuoting(name) {
		return literal.Label.Quote(name)
	}
	return name
}

// fields returns the values that a path has in the text, of structs and of `a: b: c` alike.
func fields(decls []ast.Decl, path ...string) []ast.Expr {
	var found []ast.Expr
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, ok := fieldName(f); !ok || name != path[0] {
			continue
		}
		if len(path) == 1 {
			found = append(found, f.Value)
		} else if s, ok := f.Value.(*ast.StructLit); ok {
			found = append(found, fields(s.Elts, path[1:]...)...)
		}
	}
	return found
}

// literals are the values of a path if all of them are plain.
func literals(decls []ast.Decl, path ...string) []*ast.BasicLit {
	var found []*ast.BasicLit
	for _, e := range fields(decls, path...) {
		lit, ok := e.(*ast.BasicLit)
		if !ok {
			return nil
		}
		found = append(found, lit)
	}
	return found
}

// structOf is the last struct of a path that has braces.
func structOf(decls []ast.Decl, path ...string) (*ast.StructLit, bool) {
	var last *ast.StructLit
	for _, e := range fields(decls, path...) {
		if s, ok := e.(*ast.StructLit); ok && s.Rbrace.IsValid() {
			last = s
		}
	}
	return last, last != nil
}

func sameSelected(a, b Selected) bool {
	if a.Latest != b.Latest || a.Last != b.Last || len(a.Releases) != len(b.Releases) {
		return false
	}
	for _, r := range a.Releases {
		if s, ok := b.Release(r.Number); !ok || !sameRelease(r, s) {
			return false
		}
	}
	return true
}

// sameRelease compares values, not Go's types for them: 1 and 1.0 are one parameter.
func sameRelease(a, b Release) bool {
	return a.Number == b.Number && a.Answers == b.Answers && a.Experiment == b.Experiment && a.Artifact == b.Artifact &&
		a.Commit == b.Commit && a.Image == b.Image && maps.Equal(a.Metrics, b.Metrics) &&
		maps.EqualFunc(a.Params, b.Params, func(x, y any) bool { return reflect.DeepEqual(whole(x), whole(y)) })
}

// whole makes a float64 that is an integer an int64, as normalize does.
func whole(v any) any {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return int64(f)
	}
	return v
}

// parsedRules is the syntax of definitions. CUE writes into it what it is compiled with, so it serves one file at a time.
type parsedRules struct {
	file  *ast.File
	shape shape
}

// rulesOfSelected has the definitions of what the daemon writes. Parsing all of them is most of what a commit costs, so it is done once.
var rulesOfSelected = sync.Pool{New: func() any { //nolint:gochecknoglobals // no result depends on what is in it
	whole, shape := ourRules()
	return &parsedRules{selectedRules(whole), shape}
}}

// selectedRules are the definitions of what the daemon writes, and no others: compiling all of them would be most of what a commit
// costs.
func selectedRules(all *ast.File) *ast.File {
	defined := map[string]*ast.Field{}
	for _, d := range all.Decls {
		if field, ok := d.(*ast.Field); ok {
			if name, ok := fieldName(field); ok {
				defined[name] = field
			}
		}
	}
	rules, taken := &ast.File{Filename: all.Filename, Decls: []ast.Decl{&ast.Package{Name: ast.NewIdent(packageName)}}}, map[string]bool{}
	var take func(name string)
	take = func(name string) {
		field, found := defined[name]
		if !found || taken[name] {
			return
		}
		taken[name] = true
		rules.Decls = append(rules.Decls, field)
		ast.Walk(field, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				take(id.Name)
			}
			return true
		}, nil)
	}
	take("selected")
	return rules
}
