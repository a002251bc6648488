package schema

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// packageName is the package of all files of a spec repository.
const packageName = "models"

// guard parses a file and refuses what must not be evaluated at all. The file is nil where there is any finding.
func guard(name string, data []byte) (*ast.File, []Finding) {
	f, err := parser.ParseFile(name, data)
	if err != nil {
		return nil, []Finding{syntaxFinding(name, data, err)}
	}
	if found := guardDepth(f); len(found) > 0 {
		return nil, found
	}
	found := slices.Concat(guardPackage(f), guardImports(f), guardAttributes(f), guardPlace(f))
	if len(found) > 0 {
		return nil, found
	}
	return f, nil
}

// guardDepth refuses what is nested deeper than anything that people write: what looks at it may need a stack as deep, or time by
// the square.
func guardDepth(f *ast.File) []Finding {
	const deepest = 200
	var found []Finding
	depth := 0
	ast.Walk(f, func(n ast.Node) bool {
		if depth++; depth <= deepest {
			return true
		}
		if depth--; len(found) == 0 {
			found = []Finding{{Code: codeLimit, Severity: Error, Scope: fileScope(f.Filename), Pos: position(n.Pos()),
				Message: fmt.Sprintf("this is nested more than %d levels deep", deepest), Hint: "sums of many terms are list.Sum([...])"}}
		}
		return false
	}, func(ast.Node) { depth-- })
	return found
}

func guardPackage(f *ast.File) []Finding {
	if f.PackageName() == packageName {
		return nil
	}
	message, hint := "the file belongs to no package", "begin it with `package models`"
	if f.PackageName() != "" {
		message = fmt.Sprintf("the file belongs to package %s", f.PackageName())
		hint = "specs are `package models`; other packages go into folders of their own"
	}
	return []Finding{{Code: codePackage, Severity: Error, Scope: fileScope(f.Filename), Pos: Position{File: f.Filename, Line: 1, Column: 1},
		Message: message, Hint: hint}}
}

// guardImports allows the part of CUE's standard library that only computes.
func guardImports(f *ast.File) []Finding {
	var found []Finding
	for spec := range f.ImportSpecs() {
		path, _, _ := strings.Cut(strings.Trim(spec.Path.Value, `"#`), ":")
		if !pure(path) {
			found = append(found, Finding{Code: codeImport, Severity: Error, Scope: fileScope(f.Filename), Pos: position(spec.Path.Pos()),
				Message: fmt.Sprintf("import of %q is not allowed", path),
				Hint:    "only packages of CUE's standard library that compute, such as list, strings and math"})
		}
	}
	return found
}

// pure reports whether a package of CUE's standard library touches nothing but its arguments.
func pure(path string) bool {
	switch path {
	case "crypto/ed25519", "crypto/hmac", "crypto/md5", "crypto/sha1", "crypto/sha256", "crypto/sha512",
		"encoding/base64", "encoding/csv", "encoding/hex", "encoding/json", "encoding/openapi", "encoding/toml", "encoding/yaml",
		"html", "list", "math", "math/bits", "net", "path", "regexp", "strconv", "strings", "struct",
		"text/tabwriter", "text/template", "time", "uuid":
		return true
	}
	return false
}

// guardAttributes refuses those that make CUE read other files, take values from outside or leave something out.
func guardAttributes(f *ast.File) []Finding {
	var found []Finding
	ast.Walk(f, func(n ast.Node) bool {
		attr, ok := n.(*ast.Attribute)
		if !ok {
			return true
		}
		switch name, _ := attr.Split(); name {
		case "embed", "extern", "experiment", "if", "ignore", "tag":
			found = append(found, Finding{Code: codeAttribute, Severity: Error, Scope: fileScope(f.Filename), Pos: position(attr.Pos()),
				Message: fmt.Sprintf("attribute @%s is not allowed", name),
				Hint:    "a spec says everything itself, so that the same commit always means the same"})
		}
		return true
	}, nil)
	return found
}

// guardPlace keeps the two writers apart: `selected` stands in selected/NAME.cue and nothing else does.
func guardPlace(f *ast.File) []Finding {
	scope := fileScope(f.Filename)
	written := locator{deepest: 2}.files([]*ast.File{f})
	if scope.Model == "" {
		if !written.has("selected") {
			return nil
		}
		return []Finding{{Code: codePlace, Severity: Error, Pos: written.at("selected"),
			Message: "`selected` is what the daemon writes, one file a model",
			Hint:    "move it to selected/NAME.cue"}}
	}
	var found []Finding
	for path := range written.walk {
		if len(path) == 1 && path[0] != "selected" || len(path) == 2 && path[1] != scope.Model {
			found = append(found, Finding{Code: codePlace, Severity: Error, Scope: scope, Pos: written.at(path...),
				Message: fmt.Sprintf("%s stands in a file of the daemon", strings.Join(path, ".")),
				Hint:    fmt.Sprintf("%s holds `selected: %s` and nothing else", f.Filename, scope.Model)})
		}
	}
	return found
}
