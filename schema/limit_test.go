package schema

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// TestLimits: what a commit can hold is bounded (I7), and what is over a bound is named.
func TestLimits(t *testing.T) {
	t.Parallel()
	files := func(n int, name, text string) fstest.MapFS {
		all := fstest.MapFS{"models.cue": {Data: []byte("package models\nmodels: {}\n")}}
		for i := range n {
			all[fmt.Sprintf(name, i)] = &fstest.MapFile{Data: []byte(text)}
		}
		return all
	}
	full := "package models\n" + strings.Repeat("// padding\n", maxFileSize/12)
	sum := "package models\n_x: 1" + strings.Repeat("+1", 300) + "\n"
	for name, c := range map[string]struct {
		files fstest.MapFS
		scope Scope
		says  string
	}{
		"files":    {files(maxFiles+1, "f%d.cue", ""), Scope{}, "more than 20000 files"},
		"bytes":    {files(18, "f%d.cue", full), Scope{}, "more than 16 MiB"},
		"depth":    {files(1, "f%d.cue", sum), Scope{}, "nested more than 200 levels"},
		"selected": {files(1, "selected/m%d.cue", sum), Scope{Model: "m0"}, "nested more than 200 levels"},
		"name":     {files(1, "selected/\xff%d.cue", ""), Scope{Model: "\xff0"}, "not plain text in UTF-8"},
		"break":    {files(1, "a\n::error::%d.cue", ""), Scope{}, `"a\n::error::0.cue" is not plain text`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			catalog, err := Load(context.Background(), testTree{c.files})
			if err != nil {
				t.Fatal(err)
			}
			if len(catalog.Findings) != 1 || catalog.Findings[0].Scope != c.scope || !strings.Contains(catalog.Findings[0].Message, c.says) {
				t.Errorf("findings %v", catalog.Findings)
			}
		})
	}
}

// TestCut: units hold what they need, and their digests change with that and with nothing else (I10, I8).
func TestCut(t *testing.T) {
	t.Parallel()
	read := func(text string) *Reading {
		return Read(map[string][]byte{"models.cue": []byte(text)}, func(string) {})
	}
	digests := func(text string) map[string]string {
		all := map[string]string{}
		for _, u := range read(text).Units {
			all[u.Scope.String()] = u.Digest
		}
		return all
	}
	const text = `package models

import "strings"

_owner: "us"
models: {
	a: {owner: _owner}
	b: a & {labels: x: "1"}
	c: {owner: strings.ToUpper("c")}
	[_]: train: timeout: "1h"
}
models: d: models.c
models: "e": models["d"]
`
	want := digests(text)
	for change, moved := range map[string]string{
		"owner: _owner/owner: _owner + _owner": "a b",
		`x: "1"/x: "2"`:                        "b",
		"package models\n/package models\n\n":  "",
		"models: d: /models: d: _ & ":          "d e",
		`"1h"/"2h"`:                            "a b c d e revision",
		`ToUpper("c")/ToLower("c")`:            "c d e",
		"_owner: /x: 1\n_owner: ":              "a b c d e revision",
	} {
		before, after, _ := strings.Cut(change, "/")
		got := digests(strings.Replace(text, before, after, 1))
		var differ []string
		for _, name := range sortedKeys(want) {
			if got[name] != want[name] {
				differ = append(differ, name)
			}
		}
		if strings.Join(differ, " ") != moved {
			t.Errorf("%s changes the digests of %v, want %s", change, differ, moved)
		}
	}
	for _, whole := range []string{
		`models: {if true {a: {}}}`, `models: {for n in ["a"] {(n): {}}}`, `models: _all`, `models: X={a: {}}`, `models: {X="a": {}, b: X}`,
		`if true {models: {a: {}}}`, `{models: {a: {}}}`, `[string]: {}`, `("models"): {}`, `models: {a: {}} & {b: {}}`,
	} {
		if u := read("package models\nmodels: {}\n" + whole + "\n").Units; len(u) != 1 || !u[0].Whole {
			t.Errorf("%s: the units are %v", whole, u)
		}
	}
}

// TestVerdictsAreChecked: an Evaluator that makes no sense is an error, and never a catalog that lacks something (I9).
// TestI9CutFreezesAll: of many models that one comprehension makes, and that are all wrong, each is frozen, also where not all that is wrong
// is told. A model that is neither there nor frozen would be taken for one that left, and its objects deleted.
func TestI9CutFreezesAll(t *testing.T) {
	t.Parallel()
	const many = 2*maxFindings + 20
	text := fmt.Sprintf("package models\n\nimport \"list\"\n\nmodels: {for n in list.Range(0, %d, 1) {\"m\\(n)\": {}}}\n", many)
	c, err := Load(context.Background(), testTree{fstest.MapFS{"models.cue": {Data: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range many {
		if _, frozen := c.Frozen(fmt.Sprintf("m%d", n), ""); !frozen {
			t.Errorf("m%d is not frozen", n)
		}
	}
	if len(c.Findings) > many+maxFindings+1 {
		t.Errorf("%d findings", len(c.Findings))
	}
}

func TestVerdictsAreChecked(t *testing.T) {
	t.Parallel()
	tree := testTree{fstest.MapFS{"models.cue": {Data: []byte("package models\nmodels: {a: {}, b: {}}\n")}}}
	for name, change := range map[string]func(*Survey, *[]Verdict){
		"too few":           func(_ *Survey, v *[]Verdict) { *v = (*v)[1:] },
		"no units":          func(s *Survey, v *[]Verdict) { s.Units, *v = nil, nil },
		"another model":     func(_ *Survey, v *[]Verdict) { (*v)[1].Models = map[string]rawModel{"b": {}} },
		"nothing said":      func(_ *Survey, v *[]Verdict) { (*v)[1] = Verdict{} },
		"a code of its own": func(_ *Survey, v *[]Verdict) { (*v)[1].Findings[0].Code = "X" },
		"units twice":       func(s *Survey, _ *[]Verdict) { s.Units[2] = s.Units[1] },
		"retired":           func(_ *Survey, v *[]Verdict) { (*v)[1].Retired = map[string]string{"a": "b"} },
	} {
		_, err := LoadWith(context.Background(), tree, func(ctx context.Context, files map[string][]byte) (Survey, []Verdict, error) {
			s, v, err := Evaluate(ctx, files)
			change(&s, &v)
			return s, v, err
		})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
