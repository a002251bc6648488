package schema

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestMemory: what was loaded before is never to be seen in what is loaded now. It loads all repositories of testdata/load one after
// the other with one Memory, most of which have models of the same names, each a second time with other lines.
func TestMemory(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	var m Memory
	taken := 0
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, edit := range []string{"", "// a line more\n"} {
			for i, f := range a.Files {
				if f.Name == mainFile {
					a.Files[i].Data = append([]byte(edit), f.Data...)
				}
			}
			before := maps.Clone(m.models)
			compareLoads(t, name, &m, archiveTree(a, "want"))
			for name, l := range m.models {
				if was := before[name]; was != nil && len(l.loaded.Train.Command) > 0 && len(was.loaded.Train.Command) > 0 &&
					&l.loaded.Train.Command[0] == &was.loaded.Train.Command[0] {
					taken++
				}
			}
		}
	}
	if taken == 0 {
		t.Error("no model was taken from memory")
	}
}

// TestMemoryNotices: each of these changes a model without a change of its own file.
func TestMemoryNotices(t *testing.T) {
	t.Parallel()
	const model = `package models
models: a: {
	train: {image: "registry.example/train:1", command: ["run", "{{ n }}"], source: path: "train", search: {grid: {}, matrix: n: choice: [1, 2]}, artifact: "m"}
	select: {metric: "loss", goal: "minimize", #gate: loss: <1}
	package: {image: "registry.example/a", source: path: "serve"}
	serve: production: {namespace: "ml", release: 2}
}
`
	release := func(loss string) string {
		return `package models
selected: a: {latest: 2, last: 2, releases: "2": {
	answers: {search: "v1-` + strings.Repeat("0", 64) + `", select: "v1-` + strings.Repeat("0", 64) + `", package: "v1-` + strings.Repeat("0", 64) + `"}
	experiment: "` + strings.Repeat("1", 32) + `", params: {n: 1}, metrics: {loss: ` + loss + `}, artifact: {path: "m", sha256: "` + strings.Repeat("2", 64) + `"}
	commit: "` + strings.Repeat("3", 40) + `", image: "registry.example/a@sha256:` + strings.Repeat("4", 64) + `"
}}
`
	}
	plain := map[string]string{"models.cue": model, "train/run.py": "1", "serve/main.py": "1"}
	var m Memory
	for _, change := range []map[string]string{
		{},
		{"train/run.py": "2"},
		{"serve/main.py": "2"},
		{"selected/a.cue": release("0.5")},
		{"selected/a.cue": release("0.7")},
		{"selected/a.cue": release("2.0")}, // below the gate
		{"shared.cue": "package models\nmodels: [_]: owner: \"ml\"\n"},
		{"shared.cue": "package models\n\n\nmodels: [_]: owner: \"ml\"\n"},
		{"shared.cue": "package models\nretired: a: \"\"\n"},
		{"selected/a.cue": "package models\nselected: a: last: \"many\"\n"},
		{"train/run.py": ""},
		{"models.cue": strings.Replace(model, "train:1", "train:2", 1)},
		{"models.cue": strings.Replace(model, "loss: <1", "loss: <2", 1)},
		{"models.cue": strings.Replace(model, `"ml"`, `"lm"`, 1)},
		{"other.cue": strings.ReplaceAll(model, "models: a:", "models: b:")},
	} {
		files := maps.Clone(plain)
		maps.Copy(files, change)
		for range 2 {
			compareLoads(t, fmt.Sprint(change), &m, treeOf(files))
			compareLoads(t, "before", &m, treeOf(plain))
		}
	}
}

// treeOf is these files, without those that are empty.
func treeOf(files map[string]string) testTree {
	tree := fstest.MapFS{}
	for name, text := range files {
		if text != "" {
			tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		}
	}
	return testTree{tree}
}

// compareLoads loads a tree with what is remembered, and without.
func compareLoads(t *testing.T, name string, m *Memory, tree Tree) {
	t.Helper()
	got, err := m.Load(context.Background(), tree, Evaluate)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load(context.Background(), tree)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(catalogText(want), catalogText(got)); diff != "" {
		t.Errorf("%s (-alone +remembered):\n%s", name, diff)
	}
	for i := range want.Models {
		if !got.Models[i].Places.Equal(want.Models[i].Places) {
			t.Errorf("%s: the places of %s are others", name, want.Models[i].Name)
		}
	}
}
