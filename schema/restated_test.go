package schema

import (
	"context"
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

// TestRestated: `#Model &` before a model, or `#Model` in it, changes nothing that is found, whatever is wrong, and nothing that is read.
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
		want := loaded(t, a)
		for _, change := range [][2]string{
			{`(?m)^(models: [a-z"][-a-z0-9"]*:) \{$`, "$1 #Model & {"}, {`(?m)^(models: [a-z"][-a-z0-9"]*:) \{$`, "$1 {#Model"},
			{`(?m)^(\t\t[a-z]+: *)(\{namespace: .*\})$`, "$1$2 & #Environment"}, {`(?m)^(models: [a-z]+: \{\n\ttrain:) \{$`, "$1 #Train & {"},
		} {
			b := &txtar.Archive{}
			for _, f := range a.Files {
				data := f.Data
				if f.Name != "want" {
					data = regexp.MustCompile(change[0]).ReplaceAll(data, []byte(change[1]))
				}
				b.Files = append(b.Files, txtar.File{Name: f.Name, Data: data})
			}
			if cmp.Equal(a.Files, b.Files) {
				continue
			}
			changed++
			if diff := cmp.Diff(want, loaded(t, b)); diff != "" {
				t.Errorf("%s with %s (-before +after):\n%s", name, change[1], diff)
			}
		}
	}
	if changed < 50 {
		t.Errorf("only %d repositories were changed", changed)
	}
}

// loaded is what is found in an archive, and read from it.
func loaded(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	c, err := Load(context.Background(), archiveTree(a, "want"))
	if err != nil {
		t.Fatal(err)
	}
	return catalogText(c)
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
