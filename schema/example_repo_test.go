package schema

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
)

const exampleDir = "../examples/mnist"

func TestExampleIsValid(t *testing.T) {
	t.Parallel()
	c, err := Load(context.Background(), testTree{os.DirFS(exampleDir)})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Findings) != 1 || c.Findings[0].Code != codeComing || len(c.Models) != 1 {
		t.Fatalf("%d models, findings %v", len(c.Models), c.Findings)
	}
}

// TestPlainCUE holds the promise that `cue vet ./...` knows the rules without Trefoil: what it says about the example, and about
// the example with a change, by the loader that the cue command uses.
func TestPlainCUE(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(models, selected string) (string, string)
		wrong  string // a path of the errors; empty for none
	}{
		"as it is":       {func(m, s string) (string, string) { return m, "" }, ""},
		"above the gate": {func(m, s string) (string, string) { return m, s }, ""},
		"below the gate": {func(m, s string) (string, string) { return m, strings.ReplaceAll(s, "0.95", "0.85") },
			"models.mnist.serve.production._passes.accuracy"},
		"below the gate, waived": {func(m, s string) (string, string) {
			return strings.ReplaceAll(m, "release: 2,", `release: 2, waive: "shadow traffic",`), strings.ReplaceAll(s, "0.95", "0.85")
		}, ""},
		"below the gate, not promoted": {func(m, s string) (string, string) {
			return strings.ReplaceAll(m, "release: 2, ", ""), strings.ReplaceAll(s, "0.95", "0.85")
		}, ""},
		"without the metric": {func(m, s string) (string, string) { return m, strings.ReplaceAll(s, "accuracy: 0.95", "f1: 0.95") }, ""},
		"an addition": {func(m, s string) (string, string) {
			return strings.ReplaceAll(m, "artifact:", "polyaxon: component: run: init: [{}, {paths: [\"a\"]}]\n\t\tartifact:"), s
		}, ""},
		"a typo": {func(m, s string) (string, string) { return strings.ReplaceAll(m, "goal:", "gaol:"), s }, "models.mnist.select.gaol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			models, err := os.ReadFile(filepath.Join(exampleDir, "models.cue"))
			if err != nil {
				t.Fatal(err)
			}
			m, s := c.change(string(models), exampleRelease)
			got := vet(t, exampleWith(t, m, s))
			if c.wrong == "" && got != "" || c.wrong != "" && !strings.Contains(got, c.wrong+":") {
				t.Errorf("cue vet says %q, want it to say %q", got, c.wrong)
			}
		})
	}
}

// exampleRelease is release 2 of the example.
const exampleRelease = `package models

selected: mnist: {latest: 2, last: 2}
selected: mnist: releases: "2": {
	answers: {search: "v1-1", select: "v1-2", package: "v1-3"}
	experiment: "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"
	params: {lr: 0.07525, momentum: 0.551}
	metrics: {accuracy: 0.95, loss: 0.2}
	artifact: {path: "model.dat", sha256: "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"}
	commit: "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"
	image:  "registry.example/mnist@sha256:f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"
}
`

// exampleWith is the example with another models.cue and, unless empty, selected/mnist.cue.
func exampleWith(t *testing.T, models, selected string) testTree {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(exampleDir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(exampleDir, path))
		files[path] = &fstest.MapFile{Data: data, Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files["models.cue"] = &fstest.MapFile{Data: []byte(models), Mode: 0o644}
	if selected != "" {
		files["selected/mnist.cue"] = &fstest.MapFile{Data: []byte(selected), Mode: 0o644}
	}
	return testTree{files}
}

// vet is `cue vet ./...`: each package of the module on its own, concreteness not asked for.
func vet(t *testing.T, files fs.FS) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	var all []string
	config := &load.Config{Dir: dir, Env: []string{"CUE_REGISTRY=none"}}
	for _, instance := range load.Instances([]string{"./..."}, config) {
		if instance.Err != nil {
			t.Fatal(instance.Err)
		}
		value := cuecontext.New().BuildInstance(instance)
		if err := value.Validate(cue.All()); err != nil {
			all = append(all, err.Error())
		}
	}
	return strings.Join(all, "\n")
}

// TestExamplesCarryTheDefinitions keeps each example's trefoil.cue the one that Trefoil writes, and plain CUE content with it.
func TestExamplesCarryTheDefinitions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mnist", "mnist-pytorch", "three"} {
		dir := filepath.Join("..", "examples", name)
		data, err := os.ReadFile(filepath.Join(dir, schemaFile))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != string(CUE()) {
			t.Errorf("examples/%s/trefoil.cue is not schema/trefoil.cue: copy it", name)
		}
		if got := vet(t, os.DirFS(dir)); got != "" {
			t.Errorf("cue vet says of %s: %s", name, got)
		}
	}
}
