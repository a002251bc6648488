package schema

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sample is a model as data, which can be spelled in many ways that all mean the same.
func sample() []node {
	return []node{
		{"owner", `"me@example.com"`, nil},
		{"train", "", []node{
			{"image", `"python:3.12"`, nil},
			{"source", "", []node{{"path", `"train-mnist"`, nil}}},
			{"command", `["run.py", "{{ lr }}"]`, nil},
			{"params", "", []node{{"epochs", "10", nil}, {"rate", "0.5", nil}, {"big", "1000000", nil}, {"kind", `"relu"`, nil}}},
			{"search", "", []node{
				{"random", "", []node{{"experiments", "4", nil}, {"seed", "7", nil}}},
				{"concurrency", "4", nil},
				{"matrix", "", []node{{"lr", "", []node{{"linspace", "[0.001, 10, 5]", nil}}}}},
			}},
			{"artifact", `"model.dat"`, nil},
		}},
		{"select", "", []node{
			{"metric", `"accuracy"`, nil}, {"goal", `"maximize"`, nil}, {"minimum", "0.75", nil},
			{"#gate", "", []node{{"accuracy", ">=0.9 & <1", nil}, {"loss", "<2.0", nil}}},
		}},
		{"package", "", []node{
			{"image", `"registry.example/mnist"`, nil},
			{"source", "", []node{{"path", `"serve-mnist"`, nil}}},
			{"credentials", `"regcred"`, nil},
		}},
		{"serve", "", []node{{"live", "", []node{{"namespace", `"ml"`, nil}}}}},
	}
}

type node struct {
	name, value string
	fields      []node
}

// spellings are other ways to write a value.
func spellings(value string) []string {
	switch value {
	case "10":
		return []string{"10", "0xA", "1_0", "5 + 5", "1e1", "10.0"}
	case "0.5":
		return []string{"0.5", "5e-1", "0.50", ".5", "1 / 2"}
	case "1000000":
		return []string{"1000000", "1M", "1_000_000", "1.0e6"}
	case `"relu"`:
		return []string{`"relu"`, `#"relu"#`, `"re" + "lu"`, `"\u0072elu"`}
	case "[0.001, 10, 5]":
		return []string{"[0.001, 10, 5]", "[1e-3, 1.0e1, 5]", "[\n\t0.001,\n\t10.0, // the end\n\t5,\n]"}
	case ">=0.9 & <1":
		return []string{">=0.9 & <1", "<1.0 & >=0.90", ">=0.9 & <1 & >=0.8"}
	}
	return []string{value}
}

// spell writes fields in any order, nested or as a path, with comments and blank lines, and some of them twice.
func spell(t *rapid.T, path []string, n node) string {
	comment := rapid.SampledFrom([]string{"", "", "// why\n", "\n"}).Draw(t, "comment")
	if n.fields == nil {
		return comment + strings.Join(append(path, n.name), ": ") + ": " + rapid.SampledFrom(spellings(n.value)).Draw(t, "value") + "\n"
	}
	fields := rapid.Permutation(n.fields).Draw(t, "order")
	var b strings.Builder
	b.WriteString(comment)
	inPlace := rapid.Bool().Draw(t, "path")
	if !inPlace {
		b.WriteString(strings.Join(append(path, n.name), ": ") + ": {\n")
	}
	for _, f := range fields {
		if inPlace {
			b.WriteString(spell(t, append(path[:len(path):len(path)], n.name), f))
		} else {
			b.WriteString(spell(t, nil, f))
		}
		if strings.Trim(f.value, `"`) != f.value && rapid.Bool().Draw(t, "again") { // 10 and 10.0 are one number for us, but not for CUE
			again := strings.Join(append(path[:len(path):len(path)], n.name), ": ")
			if !inPlace {
				again = ""
			}
			b.WriteString(spell(t, strings.FieldsFunc(again, func(r rune) bool { return r == ':' || r == ' ' }), f))
		}
	}
	if !inPlace {
		b.WriteString("}\n")
	}
	return b.String()
}

// TestDigestsDoNotDependOnSpelling: order, formatting, comments, files and the spelling of numbers change no digest.
func TestDigestsDoNotDependOnSpelling(t *testing.T) {
	t.Parallel()
	want := loadModel(t, "package models\n"+plain("", node{"models", "", []node{{"mnist", "", sample()}}}))
	rapid.Check(t, func(t *rapid.T) {
		files := []string{"package models\nmodels: {}\n", "package models\n"}
		for _, n := range rapid.Permutation(sample()).Draw(t, "sections") {
			i := rapid.IntRange(0, 1).Draw(t, "file")
			files[i] += spell(t, []string{"models", "mnist"}, n)
		}
		got := loadModel(t, files...)
		if diff := cmp.Diff(want.Digests, got.Digests); diff != "" {
			t.Fatalf("digests (-want +got):\n%s\n%s", diff, strings.Join(files, "--\n"))
		}
		if diff := cmp.Diff(want.Train.Params, got.Train.Params); diff != "" {
			t.Fatalf("parameters (-want +got):\n%s", diff)
		}
	})
}

// plain writes fields one by one.
func plain(path string, n node) string {
	if n.fields == nil {
		return path + n.name + ": " + n.value + "\n"
	}
	var b strings.Builder
	for _, f := range n.fields {
		b.WriteString(plain(path+n.name+": ", f))
	}
	return b.String()
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// loadModel loads the only model of some files.
func loadModel(t failer, files ...string) Model {
	t.Helper()
	tree := fstest.MapFS{
		"train-mnist/run.py": {Data: []byte("print()\n"), Mode: 0o644}, "serve-mnist/Model.py": {Data: []byte("pass\n"), Mode: 0o644},
	}
	for i, f := range files {
		tree[fmt.Sprintf("models%d.cue", i)] = &fstest.MapFile{Data: []byte(f), Mode: 0o644}
	}
	c, err := Load(context.Background(), testTree{tree})
	if err != nil || len(c.Models) != 1 || len(c.Findings) != 0 {
		t.Fatalf("%v, %d models, findings %v in\n%s", err, len(c.Models), c.Findings, strings.Join(files, "--\n"))
	}
	return c.Models[0]
}

// TestDigestsCover says for each field which digests a change of it moves: t(rain), s(elect), p(ackage) or none.
func TestDigestsCover(t *testing.T) {
	t.Parallel()
	base := "package models\n" + plain("", node{"models", "", []node{{"mnist", "", sample()}}})
	before := loadModel(t, base)
	for _, c := range []struct{ old, new, moves string }{
		{`owner: "me@example.com"`, `owner: "you@example.com"`, ""},
		{`models: mnist: owner: "me@example.com"`, `models: mnist: labels: team: "vision"`, ""},
		{`"python:3.12"`, `"python:3.13"`, "t"},
		{`"train-mnist"`, `"serve-mnist"`, "t"},
		{`train: source: path: "train-mnist"`, `train: source: git: {url: "https://git.example.com/u.git", commit: "` + strings.Repeat("a", 40) + `"}`, "t"},
		{`["run.py",`, `["run.py", "-v",`, "t"},
		{"epochs: 10", "epochs: 11", "t"},
		{"experiments: 4", "experiments: 5", "t"},
		{"seed: 7", "seed: 8", "t"},
		{"concurrency: 4", "concurrency: 5", ""},
		{"[0.001, 10, 5]", "[0.001, 10, 6]", "t"},
		{`artifact: "model.dat"`, `artifact: "model.bin"`, "t"},
		{`train: artifact: `, "train: revision: 2\nmodels: mnist: train: artifact: ", "t"},
		{`train: artifact: `, "train: timeout: \"1h\"\nmodels: mnist: train: artifact: ", ""},
		{`train: artifact: `, "train: resources: limits: cpu: \"1\"\nmodels: mnist: train: artifact: ", ""},
		{`train: artifact: `, "train: polyaxon: component: termination: maxRetries: 2\nmodels: mnist: train: artifact: ", ""},
		{`metric: "accuracy"`, `metric: "f1"`, "s"},
		{`"maximize"`, `"minimize"`, "s"},
		{"minimum: 0.75", "minimum: 1", "s"},
		{"<2.0", "<2.1", "s"},
		{"<2.0", "<=2.0", "s"},
		{`goal: "maximize"`, "goal: \"maximize\"\nmodels: mnist: select: then: [{metric: \"loss\", goal: \"minimize\"}]", "s"},
		{`goal: "maximize"`, "goal: \"maximize\"\nmodels: mnist: select: by: \"hand\"", "s"},
		{`"registry.example/mnist"`, `"registry.example/digits"`, "p"},
		{`"serve-mnist"`, `"train-mnist"`, "p"},
		{`"regcred"`, `"other"`, ""},
		{`package: credentials`, "package: attempt: 3\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: timeout: \"2h\"\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: resources: limits: cpu: \"1\"\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: argo: spec: priority: 1\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: builder: s2i: image: \"b\"\nmodels: mnist: package: credentials", "p"},
		{`package: credentials`, "package: artifact: from: pvc: claim: \"c\"\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: registry: http: true\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: gitCredentials: \"g\"\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: serviceAccount: \"a\"\nmodels: mnist: package: credentials", ""},
		{`package: credentials`, "package: builder: buildkit: {}\nmodels: mnist: package: credentials", "p"},
		{`namespace: "ml"`, `namespace: "ml2"`, ""},
	} {
		changed := strings.Replace(base, c.old, c.new, 1)
		if changed == base {
			t.Fatalf("%q is not in the model", c.old)
		}
		after := loadModel(t, changed)
		moved := ""
		for _, d := range []struct {
			name          string
			before, after Digest
		}{{"t", before.Digests.Search, after.Digests.Search}, {"s", before.Digests.Select, after.Digests.Select}, {"p", before.Digests.Package, after.Digests.Package}} {
			if d.before != d.after {
				moved += d.name
			}
		}
		if moved != c.moves {
			t.Errorf("%s -> %s moves %q, want %q", c.old, c.new, moved, c.moves)
		}
	}
}
