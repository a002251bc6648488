package schema

import (
	"strings"
	"testing"
)

// TestDescribe: a path may name a model or leave it out, and one that is misspelt is told the nearest.
func TestDescribe(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"models": "models", "models.mnist": "models.NAME", "models.train": "models.NAME.train", "models.mnist.train": "models.NAME.train",
		"models.train.train": "models.NAME.train", "train": "models.NAME.train", "models.NAME": "models.NAME",
		"models.train.search.random": "models.NAME.train.search.random", "train.search.matrix.lr.uniform": "models.NAME.train.search.matrix.NAME.uniform",
		"serve.replicas": "models.NAME.serve.ENV.replicas", "models.mnist.serve.staging.replicas": "models.NAME.serve.ENV.replicas",
		"select.#gate": "models.NAME.select.#gate", "select.then.goal": "models.NAME.select.then.goal", "labels.x": "models.NAME.labels.KEY",
		"selected.mnist.releases.1.image": "selected.NAME.releases.NUMBER.image", "retired": "retired", "#Resources": "#Resources",
	} {
		if f, err := Describe(path); err != nil || f.Path != want {
			t.Errorf("%s: %q, %v; want %s", path, f.Path, err, want)
		}
	}
	for path, want := range map[string]string{
		"models.trian": "did you mean models.train?", "modles.train": "did you mean models.train?", "trian.search": "did you mean models.NAME.train.search?",
		"models.train.serach.randm":        `models.NAME.train has no field "serach"; did you mean models.train.search?`,
		"models.mnist.train.serach.random": "did you mean models.mnist.train.search.random?", "select.gate": "did you mean models.NAME.select.#gate?",
		"models.foo.bar.baz": "it has owner, labels, train, select, package and serve", "nonsense": "it has models, selected and retired",
		"train.image.tag": `models.NAME.train.image has no field "tag", and no others`, "": "it has models, selected and retired", "models.": "it has owner",
	} {
		if f, err := Describe(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error with %s", path, f.Path, err, want)
		}
	}
}

// TestDescribeAll walks all fields that people and the daemon write. What is said of them is in words, and stands in trefoil.cue.
func TestDescribeAll(t *testing.T) {
	t.Parallel()
	source := strings.ReplaceAll(string(CUE()), "\t", "")
	fields := 0
	var walk func(path string)
	walk = func(path string) {
		f, err := Describe(path)
		if err != nil {
			t.Error(err)
			return
		}
		for _, inner := range f.Fields {
			fields++
			if inner.Type == "" || strings.Contains(inner.Type, "=~") || strings.Contains(inner.Type, "#") {
				t.Errorf("%s takes %q", inner.Path, inner.Type)
			}
			for line := range strings.SplitSeq(inner.Comment, "\n") {
				if !strings.Contains(source, "// "+line) && line != "" {
					t.Errorf("%s: %q is not said by %s", inner.Path, line, schemaFile)
				}
			}
			walk(inner.Path)
		}
	}
	for _, root := range []string{"models", "selected", "retired"} {
		walk(root)
	}
	if fields < 100 {
		t.Errorf("only %d fields were seen", fields)
	}
}

// FuzzDescribe: any path has a field or an error.
func FuzzDescribe(f *testing.F) {
	f.Add("models.mnist.train.search.random")
	f.Add("select.#gate..")
	f.Fuzz(func(t *testing.T, path string) {
		if len(path) > 200 {
			return
		}
		if found, err := Describe(path); (err == nil) == (found.Path == "") {
			t.Errorf("%q is %q, %v", path, found.Path, err)
		}
	})
}
