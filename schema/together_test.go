package schema

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// said is a verdict as it crosses to the parent, with the fields of structs in order.
func said(t *testing.T, v Verdict) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var any any
	if err := decode(data, &any); err != nil {
		t.Fatal(err)
	}
	if data, err = json.MarshalIndent(any, "", " "); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// sameTogether holds that what is judged together is what is judged of each, and sound. It reports whether anything was.
func sameTogether(t *testing.T, r *Reading, units []int) bool {
	t.Helper()
	verdicts, ok := r.Together(units)
	if !ok {
		return false
	}
	for i, u := range units {
		alone := r.Judge(u)
		if diff := cmp.Diff(said(t, alone), said(t, verdicts[i])); diff != "" {
			t.Errorf("%s (-alone +together):\n%s", r.Units[u].Scope, diff)
		}
	}
	return true
}

// TestTogether goes through all repositories of the tests.
func TestTogether(t *testing.T) {
	t.Parallel()
	sound := 0
	for _, pattern := range []string{"testdata/load/*.txtar", "testdata/broken/*.txtar", "../render/testdata/*/*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no repositories, %v", pattern, err)
		}
		for _, name := range names {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			for _, f := range a.Files {
				if folder := filepath.Dir(f.Name); isSpec(f.Name) && f.Name != schemaFile && (folder == "." || folder == selectedFolder) {
					files[f.Name] = f.Data
				}
			}
			// Beside them one that nothing is wrong with, so that there are two.
			files["beside.cue"] = []byte(strings.ReplaceAll(beside, "NAME", "beside"))
			r := Read(files, func(string) {})
			var units []int
			for i := 1; i < len(r.Units); i++ {
				units = append(units, i)
				if i > 1 && sameTogether(t, r, []int{i - 1, i}) {
					sound++
				}
			}
			if len(units) > 1 {
				slices.Reverse(units)
				sameTogether(t, r, units)
			}
		}
	}
	if sound < 50 {
		t.Errorf("only %d were sound", sound)
	}
}

const beside = `package models
models: "NAME": {
	train: {image: "i", command: ["x", "{{ a }}"], search: {random: experiments: 3, matrix: a: linspace: "0:1:5"}, artifact: "a"}
	select: {metric: "m", goal: "maximize", #gate: {m: >0}}
	serve: staging: namespace: "s"
}
`

// FuzzTogether: whatever models.cue holds, a model that is sound together with another one is sound alone, and the same.
func FuzzTogether(f *testing.F) {
	for _, seed := range append(seeds(f, "testdata/load/*.txtar", "models.cue"), seeds(f, "testdata/broken/*.txtar", "models.cue")...) {
		f.Add(seed)
	}
	f.Add([]byte("package models\n_x: 3\nmodels: [N=_]: owner: N\nmodels: a: b\nmodels: b: {owner: \"\\(_x)\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !harmless(data) {
			return
		}
		r := Read(map[string][]byte{"models.cue": data, "beside.cue": []byte(beside)}, func(string) {})
		var units []int
		for i := range r.Units {
			units = append(units, i)
		}
		if len(units) > 1 {
			sameTogether(t, r, units[1:])
		}
	})
}
