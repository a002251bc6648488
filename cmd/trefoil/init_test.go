package main

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"cuelang.org/go/mod/module"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/examples"
)

func TestModuleName(t *testing.T) {
	t.Parallel()
	for folder, want := range map[string]string{
		"/home/me/models":    "example.com/models@v0",
		"/home/me/My Models": "example.com/my-models@v0",
		"/x/a__b..c":         "example.com/a-b-c@v0",
		"/x/-.9lives!":       "example.com/9lives@v0",
		"/x/模型":              "example.com/models@v0",
		"/x/a\"b\n":          "example.com/a-b@v0",
		"/":                  "example.com/models@v0",
	} {
		got := moduleName(folder)
		if got != want {
			t.Errorf("the module of %q is %s, want %s", folder, got, want)
		}
		if err := module.CheckPath(got); err != nil {
			t.Errorf("CUE does not take the module of %q: %v", folder, err)
		}
	}
}

func TestReleased(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v1.20.3": "v1.20.3", "v0.0.0-20261128095500-7ae0d4e0d4e0+dirty": "latest", "v1.0.0-rc.1": "latest", "(devel)": "latest", "": "latest",
	} {
		if got := released(version); got != want {
			t.Errorf("%q is fetched as %s, want %s", version, got, want)
		}
	}
}

// TestCIJobs reads the jobs as YAML. What they run that is not ours is named by what it is, not by a tag that moves.
func TestCIJobs(t *testing.T) {
	t.Parallel()
	for ci, path := range map[string]string{"github": ".github/workflows/trefoil.yaml", "gitlab": ".gitlab-ci.yml"} {
		files, err := newRepository("/models", "", ci)
		if err != nil {
			t.Fatal(err)
		}
		job := map[string]any{}
		if err := yaml.UnmarshalStrict(files[path], &job); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, uses := range regexp.MustCompile(`(?m)uses: (.*)$`).FindAllSubmatch(files[path], -1) {
			if !regexp.MustCompile(`^[a-z/-]+@[0-9a-f]{40} # v[0-9.]+$`).Match(uses[1]) {
				t.Errorf("%s uses %s", path, uses[1])
			}
		}
	}
}

// TestStarterReports: the starter's trainer reports as that of the examples does.
func TestStarterReports(t *testing.T) {
	t.Parallel()
	const first, end = "\ndef report", "\ndef main"
	want, err := fs.ReadFile(examples.FS, "mnist/train-mnist/run.py")
	if err != nil {
		t.Fatal(err)
	}
	got, err := starter.ReadFile("starter/train/run.py")
	if err != nil {
		t.Fatal(err)
	}
	_, report, _ := strings.Cut(string(want), first)
	report, _, found := strings.Cut(report, end)
	if !found || !strings.Contains(string(got), first+report+end) {
		t.Error("starter/train/run.py reports otherwise than examples/mnist/train-mnist/run.py: copy the function")
	}
}

// TestCreateOverwritesNothing, not even what came after it was looked at.
func TestCreateOverwritesNothing(t *testing.T) {
	t.Parallel()
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.WriteFile("models.cue", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := create(dir, "models.cue", []byte("ours")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("it says %v", err)
	}
	if got, err := dir.ReadFile("models.cue"); string(got) != "mine" || err != nil {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"a/b-1": "a/b-1", "my models": "'my models'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "": "''"} {
		if got := quoted(word); got != want {
			t.Errorf("%q is quoted as %s, want %s", word, got, want)
		}
	}
}
