package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/trefoil-gitops/trefoil/schema"
)

// reviewed is the verdict on the files of an archive.
func reviewed(t *testing.T, files fstest.MapFS) verdict {
	t.Helper()
	c, err := (&app{evaluate: schema.Evaluate}).load(context.Background(), archive{files})
	if err != nil {
		t.Fatal(err)
	}
	return newVerdict(specs{files: files, catalog: c}, nil)
}

// TestScreen draws the findings about the repositories of testdata/screen on terminals as wide as the names of the sections `want`
// say. UPDATE=1 writes them.
func TestScreen(t *testing.T) {
	names, err := filepath.Glob("testdata/screen/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{}
		for _, f := range a.Files {
			if !strings.HasPrefix(f.Name, "want ") {
				files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
		r := reviewed(t, files)
		for i, f := range a.Files {
			text, found := strings.CutPrefix(f.Name, "want ")
			width, err := strconv.Atoi(text)
			if !found || err != nil {
				continue
			}
			var b strings.Builder
			r.draw(&b, canvas{width: width})
			a.Files[i].Data = []byte(b.String())
			if diff := cmp.Diff(string(f.Data), b.String()); diff != "" && os.Getenv("UPDATE") == "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, f.Name, diff)
			}
		}
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestScreenOnly: carets are for a terminal alone, colours for one without NO_COLOR.
func TestScreenOnly(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "models.cue"), []byte("package models\nmodels: mnist: ownr: \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		width           int
		noColor         string
		carets, colours bool
	}{{0, "", false, false}, {80, "", true, true}, {80, "1", true, false}} {
		var out strings.Builder
		env := func(name string) (string, bool) {
			return map[string]string{"NO_COLOR": c.noColor}[name], name == "NO_COLOR" && c.noColor != ""
		}
		a := &app{out: &out, err: &out, screen: canvas{width: c.width}, env: env, evaluate: schema.Evaluate}
		if code := a.run(context.Background(), []string{"validate", "-C", dir}); code != 1 {
			t.Errorf("the exit code is %d", code)
		}
		if got := out.String(); strings.Contains(got, "^^^^") != c.carets || strings.Contains(got, "\x1b[1;31m") != c.colours {
			t.Errorf("on %d characters, NO_COLOR=%q:\n%s", c.width, c.noColor, got)
		}
	}
}

// TestScreenObeysNothing: whatever stands in a line, a terminal obeys none of it, and the carets are inside of what is shown.
func TestScreenObeysNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		odd := []string{"\t", "\x1b[2J", "字", "\u202e", "\xff", `"a\(b)"`, "models: mnist: {", ">=0.9 & <1"}
		part := rapid.OneOf(rapid.String(), rapid.SampledFrom(odd))
		line := strings.ReplaceAll(strings.Join(rapid.SliceOf(part).Draw(t, "parts"), ""), "\n", " ")
		column, width := rapid.IntRange(0, len(line)+2).Draw(t, "column"), rapid.IntRange(1, 100).Draw(t, "width")
		s := source{files: fstest.MapFS{"models.cue": {Data: []byte(line)}}, lines: map[string][]string{}}
		at := s.span(schema.Position{File: "models.cue", Line: 1, Column: column})
		if at.start < 1 || at.end < at.start || at.end > utf8.RuneCountInString(line)+1 {
			t.Fatalf("%q at %d is %+v", line, column, at)
		}
		text, before, under := at.cells(width)
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != unicode.ReplacementChar }) {
			t.Errorf("%q is shown", text)
		}
		if most := max(width, 20) + 1; before < 0 || under < 1 || before+under > most || utf8.RuneCountInString(text) > most {
			t.Errorf("%q: %d carets after %d, on %d", text, under, before, width)
		}
	})
}

// TestShown: of many findings the first are shown, and the others counted, most of one code first.
func TestShown(t *testing.T) {
	var all []schema.Finding
	for i := range 100 {
		f := schema.Finding{Code: fmt.Sprintf("TRF010%d", i%3), Severity: schema.Warning}
		if i%10 == 9 {
			f.Severity = schema.Error
		}
		all = append(all, f)
	}
	first, rest := shown(all)
	const others = "and 50 more: 17 TRF0100, 17 TRF0102, 16 TRF0101"
	if len(first) != 50 || first[9].Severity != schema.Error || first[10].Severity != schema.Warning || rest != others {
		t.Errorf("%d are shown, %s", len(first), rest)
	}
	if first, rest := shown(all[:50]); len(first) != 50 || first[0].Severity != schema.Warning || rest != "" {
		t.Errorf("of 50, %d are shown, %s", len(first), rest)
	}
}
