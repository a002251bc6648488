package schema

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestRestated: `#Model &` before a model changes nothing that is found, whatever is wrong with it.
func TestRestated(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, before := "", changed
		for i, f := range a.Files {
			if f.Name == "want" {
				want = string(f.Data)
				continue
			}
			text := regexp.MustCompile(`(?m)^(models: [a-z"][-a-z0-9"]*:) \{$`).ReplaceAllString(string(f.Data), "$1 #Model & {")
			text = regexp.MustCompile(`(?m)^(\t\t[a-z]+: *)(\{namespace: .*\})$`).ReplaceAllString(text, "$1$2 & #Environment")
			if text != string(f.Data) {
				a.Files[i].Data = []byte(text)
				changed++
			}
		}
		if changed == before {
			continue
		}
		c, err := Load(context.Background(), archiveTree(a, "want"))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range c.Findings {
			got += fmt.Sprintf("%s [%s]\n", f, f.Scope)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
	if changed < 25 {
		t.Errorf("only %d files were changed", changed)
	}
}

func parsed(t *testing.T, text string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile("models.cue", "package models\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func formatted(t *testing.T, f *ast.File) string {
	t.Helper()
	text, err := format.Node(f)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(string(text), ",", " ")), " ")
}

// TestRestatedOwn: a definition of the file's own stays.
func TestRestatedOwn(t *testing.T) {
	t.Parallel()
	_, rules := ourRules()
	for text, want := range map[string]string{
		"models: a: #Model & {owner: \"x\"}":                     "models: a: {owner: \"x\"}",
		"models: a: {owner: \"x\"} & #Model":                     "models: a: {owner: \"x\"}",
		"models: a: {#Model, owner: \"x\"}":                      "models: a: {owner: \"x\"}",
		"models: a: #Model & #Mine & {owner: \"x\"}":             "models: a: #Mine & {owner: \"x\"}",
		"models: a: serve: b: #Environment & {namespace: \"n\"}": "models: a: serve: b: {namespace: \"n\"}",
		"models: a: #Train & {owner: \"x\"}":                     "models: a: #Train & {owner: \"x\"}",
		"models: {#Model: {}, a: #Model & {owner: \"x\"}}":       "models: {#Model: {}, a: #Model & {owner: \"x\"}}",
		"models: [_]: #Model & {owner: \"x\"}":                   "models: [_]: #Model & {owner: \"x\"}",
	} {
		got, wanted := parsed(t, text), parsed(t, want)
		rules.restated(got.Decls)
		if g, w := formatted(t, got), formatted(t, wanted); g != w {
			t.Errorf("%s becomes\n%s\nwant\n%s", text, g, w)
		}
	}
}
