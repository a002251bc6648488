package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestS2I reads cases from testdata/s2i: a folder is a source, and its Dockerfile.golden what is made of it. One that has a Dockerfile
// goes on with it.
func TestS2I(t *testing.T) {
	sources, err := filepath.Glob("testdata/s2i/*")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, source := range sources {
		t.Run(filepath.Base(source), func(t *testing.T) {
			context := t.TempDir()
			if err := os.CopyFS(context, os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			then := ""
			if _, err := os.Stat(filepath.Join(source, "Dockerfile")); err == nil {
				then = "Dockerfile"
			}
			file := filepath.Join(t.TempDir(), "Dockerfile")
			output, err := script(t, "s2i.sh", "CONTEXT="+context, "BUILDER_IMAGE=registry.example/builder:1", "THEN="+then, "DOCKERFILE="+file)
			if err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(source, "Dockerfile.golden"), got)
		})
	}
}

// TestS2IIgnores holds that buildah leaves out what s2i would, and that a Dockerfile which is not there is missed in time.
func TestS2IIgnores(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"context/.s2iignore": "notes\n", "context/.dockerignore": "model.py\n"})
	env := []string{"CONTEXT=" + dir + "/context", "BUILDER_IMAGE=b", "DOCKERFILE=" + dir + "/Dockerfile"}
	if output, err := script(t, "s2i.sh", append(env, "THEN=")...); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if got := read(t, dir)["context/.containerignore"]; got != "notes\n" {
		t.Errorf("buildah ignores %q", got)
	}
	output, err := script(t, "s2i.sh", append(env, "THEN=gpu/Dockerfile")...)
	if want := "no Dockerfile 'gpu/Dockerfile' in the serving source"; err == nil || !strings.Contains(output, want) {
		t.Errorf("%v: %s", err, output)
	}
}
