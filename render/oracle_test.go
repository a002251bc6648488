//go:build e2e

package render_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/render"
)

// TestPolyaxonReadsSearches gives the goldens to the code of a real Polyaxon: it accepts them, makes as many experiments as
// Experiments says, and starts the first with every template filled in.
func TestPolyaxonReadsSearches(t *testing.T) {
	dirs := cases(t)
	output := oracle(t, "polyaxon-2.18.0", "operation.py", dirs, "objects.yaml", "polyaxon==2.18.0", "hypertune==1.4.0", "numpy")
	decoder := json.NewDecoder(bytes.NewReader(output))
	for _, dir := range dirs {
		var got struct {
			Experiments int
			First       json.RawMessage
		}
		if err := decoder.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if want := render.Experiments(load(t, dir).Model); got.Experiments != want {
			t.Errorf("%s: Polyaxon makes %d experiments, not %d", dir, got.Experiments, want)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, got.First, "", "  "); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join(dir, "first-experiment.json"), append(indented.Bytes(), '\n'))
	}
}

// TestPolyaxonV0ReadsGroups gives the goldens to the validator of Polyaxon 0.x.
func TestPolyaxonV0ReadsGroups(t *testing.T) {
	var dirs []string
	for _, dir := range cases(t) {
		if _, err := render.PolyaxonV0(load(t, dir).Model); err == nil {
			dirs = append(dirs, dir)
		}
	}
	output := oracle(t, "polyaxon-schemas-0.6.1", "group.py", dirs, "polyaxon-0.yaml", "polyaxon-schemas==0.6.1", "MarkupSafe==2.0.1")
	if got := strings.Count(string(output), "\n"); got != len(dirs) {
		t.Errorf("it read %d of %d files:\n%s", got, len(dirs), output)
	}
}

// oracle runs a script of testdata/oracle on a file of each case, in a virtual environment with these requirements that is
// kept in the user's cache.
func oracle(t *testing.T, environment, script string, dirs []string, file string, requirements ...string) []byte {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(cache, "trefoil-e2e", environment)
	python, whole := filepath.Join(venv, "bin", "python"), filepath.Join(venv, "whole")
	if _, err := os.Stat(whole); err != nil {
		t.Logf("installing %s in %s", strings.Join(requirements, " "), venv)
		run(t, "python3", "-m", "venv", "--clear", venv)
		run(t, python, append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, requirements...)...)
		if err := os.WriteFile(whole, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{filepath.Join("testdata", "oracle", script)}
	for _, dir := range dirs {
		args = append(args, filepath.Join(dir, file))
	}
	return run(t, python, args...)
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // Polyaxon writes its settings there
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return output
}
