package schema

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// TestDefinitions holds what trefoil.cue promises about itself: formatted, every field of people's explained, and no defaults,
// so that people's own never meet one and digests are over what people wrote.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	formatted, err := format.Source(CUE())
	if err != nil || !bytes.Equal(formatted, CUE()) {
		t.Errorf("not as cue fmt writes it: %v", err)
	}
	f, err := parser.ParseFile(schemaFile, CUE(), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Walk(f, func(n ast.Node) bool {
		if unary, ok := n.(*ast.UnaryExpr); ok && unary.Op == token.MUL {
			t.Errorf("%s: a default", unary.Pos())
		}
		return true
	}, nil)
	for _, d := range f.Decls {
		definition, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, _ := fieldName(definition)
		if body, ok := definition.Value.(*ast.StructLit); ok && !strings.HasPrefix(name, "#Re") && name != "#Selected" {
			undocumented(t, name, body)
		}
	}
}

// undocumented reports fields without a comment.
func undocumented(t *testing.T, path string, s *ast.StructLit) {
	t.Helper()
	for _, d := range s.Elts {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, plain := fieldName(f)
		if !plain {
			continue
		}
		if len(ast.Comments(f)) == 0 && name != "url" {
			t.Errorf("%s.%s is not explained", path, name)
		}
		if inner, ok := f.Value.(*ast.StructLit); ok && len(inner.Elts) > 1 {
			undocumented(t, path+"."+name, inner)
		}
	}
}

// TestCodes holds that each code has a title and a repository among the tests that shows it.
func TestCodes(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{
		codeTooLarge: true, codeLimit: true, // TestLoadRefusesLargeFiles, TestLimits
		codeKilled: true, codeUnjudged: true, // internal/sandbox
	}
	names, err := filepath.Glob("testdata/load/*.txtar")
	rendered, err2 := filepath.Glob("../render/testdata/check/*.txtar")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, rendered...) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range regexp.MustCompile(`TRF[0-9]{4}`).FindAllString(string(data), -1) {
			shown[code] = true
		}
	}
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range regexp.MustCompile(`TRF[0-9]{4}`).FindAllString(string(source), -1) {
		if Codes()[code] == "" || !shown[code] {
			t.Errorf("%s: title %q, shown by a test: %v", code, Codes()[code], shown[code])
		}
	}
}

// TestKinds holds that the ranges of the definitions are those that the rules know.
func TestKinds(t *testing.T) {
	t.Parallel()
	_, rules := ourRules()
	way := rules.follow([]string{"models", "m", "train", "search", "matrix", "lr"})
	names := way[len(way)-1].names()
	if len(names) != 14 {
		t.Errorf("%d kinds: %v", len(names), names)
	}
	for _, name := range names {
		if k := kindOf(name); name != "choice" && k.wrong == nil && !k.distribution || slices.Contains(k.fields, "") {
			t.Errorf("%s has no rules", name)
		}
	}
}

// TestFindingsPage holds docs/findings.md to the codes.
func TestFindingsPage(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# Findings

What ` + "`trefoil validate`" + ` finds, by code. A code keeps its meaning; each finding has its place and a hint.

An *error* freezes what it is about: an environment, a model, or where that can't be told the whole revision. Frozen means that nothing is
created, changed or deleted there; what runs goes on. A *warning* is likely a mistake and freezes nothing. A *note* is none: it says what
a model waits for. ` + "`validate`" + ` ends with 1 where there is an error, else with 0.

Each code has a page with a wrong and a right example; ` + "`trefoil explain TRF0101`" + ` prints it. Most examples show a part of models.cue:
` + "`package models`" + ` and the rest of the model are left out.

On a terminal a finding shows its line with carets under the place, elsewhere it is one line. Of more than 50 the first are printed, errors
before all others, and then how many there are of each code.

| ` + "`trefoil validate -o`" + ` | for | how many |
|---|---|---|
| ` + "`json`" + ` | your own programs; [its JSON Schema](schemas/validate.json) | all |
| ` + "`sarif`" + ` | code scanning, in SARIF 2.1.0; files are named from the root of the git repository | all; GitHub shows the 5,000 worst, and refuses a file with more than 25,000 |
| ` + "`github`" + ` | annotations in a job of GitHub Actions; files likewise | the first 50 in the log; GitHub shows 10 of each severity a step |

| code | says |
|---|---|
`)
	for _, code := range sortedKeys(Codes()) {
		fmt.Fprintf(&b, "| [%s](findings/%[1]s.md) | %s |\n", code, Codes()[code])
	}
	b.WriteString("\n## Limits\nWhat is more than this is TRF0002 or TRF0013.\n\n| of | at most |\n|---|---|\n")
	for _, limit := range []struct {
		of   string
		most int
	}{
		{"a spec file, KiB", maxFileSize >> 10}, {"models in a repository", maxModels}, {"environments of a model", maxEnvironments},
		{"parameters of a model", maxParameters}, {"words of a command", maxWords}, {"bytes of a command", maxCommand},
		{"experiments of a search, points of a grid, values of a range", maxPoints},
		{"values in an addition to a rendered object", maxAdded}, {"levels in it", maxDepth},
	} {
		fmt.Fprintf(&b, "| %s | %d |\n", limit.of, limit.most)
	}
	const page = "../docs/findings.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(page); err != nil || string(got) != b.String() {
		t.Errorf("%s is not of these codes, -update writes it (%v)", page, err)
	}
}

// TestPath holds that the definitions and the rules call the same paths clean.
func TestPath(t *testing.T) {
	t.Parallel()
	ctx := cuecontext.New()
	path := ctx.CompileBytes(CUE()).LookupPath(cue.ParsePath("#Path"))
	for name, clean := range map[string]bool{
		"model.dat": true, "a/..b/.c": true, "a/b.tar.gz": true, "...": true, "a b": true, "{a}": true,
		"": false, ".": false, "..": false, "/": false, "/a": false, "a/": false, "a//b": false, "./a": false, "../a": false, "a/..": false,
		"a/../b": false, "a/.": false, `a\b`: false, "a\nb": false, "a\x00b": false, "{{ a }}": false,
	} {
		inCUE := path.Unify(ctx.Encode(name)).Validate(cue.Concrete(true)) == nil
		if inCUE != clean || cleanRelative(name) != clean {
			t.Errorf("%q: CUE says %v, Go %v, want %v", name, inCUE, cleanRelative(name), clean)
		}
	}
}
