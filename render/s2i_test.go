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

// TestS2IIgnores holds that buildah leaves out what s2i would, and nothing else: not what .dockerignore names, nor the scripts that s2i has
// taken by then.
func TestS2IIgnores(t *testing.T) {
	for name, test := range map[string]struct {
		source map[string]string
		want   string
	}{
		"nothing":       {map[string]string{"model.py": ""}, "\n.containerignore\n!.s2i/bin/assemble\n!.s2i/bin/run\n"},
		".s2iignore":    {map[string]string{".s2iignore": "notes\n"}, "notes\n.containerignore\n!.s2i/bin/assemble\n!.s2i/bin/run\n"},
		"both":          {map[string]string{".s2iignore": "notes\n", ".dockerignore": "model.py\n"}, "notes\n.containerignore\n!.s2i/bin/assemble\n!.s2i/bin/run\n"},
		".dockerignore": {map[string]string{".dockerignore": "model.py\n"}, "\n.containerignore\n!.s2i/bin/assemble\n!.s2i/bin/run\n"},
		"buildah's":     {map[string]string{".containerignore": "model.py\n"}, "\n.containerignore\n!.s2i/bin/assemble\n!.s2i/bin/run\n"},
		"scripts":       {map[string]string{".s2iignore": ".s2i", ".s2i/bin/run": ""}, ".s2i\n.containerignore\n!.s2i/bin/assemble\n!.s2i/bin/run\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir+"/context", test.source)
			for range 2 { // a container that is started again does the same
				output, err := script(t, "s2i.sh", "CONTEXT="+dir+"/context", "BUILDER_IMAGE=b", "DOCKERFILE="+dir+"/Dockerfile", "THEN=")
				if err != nil {
					t.Fatalf("%v: %s", err, output)
				}
			}
			if got := read(t, dir)["context/.containerignore"]; got != test.want {
				t.Errorf("buildah ignores %q, not %q", got, test.want)
			}
		})
	}
}

// TestS2IMisses: a Dockerfile which is not there is missed in time.
func TestS2IMisses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"context/model.py": ""})
	output, err := script(t, "s2i.sh", "CONTEXT="+dir+"/context", "BUILDER_IMAGE=b", "DOCKERFILE="+dir+"/Dockerfile", "THEN=gpu/Dockerfile")
	if want := "no Dockerfile 'gpu/Dockerfile' in the serving source"; err == nil || !strings.Contains(output, want) {
		t.Errorf("%v: %s", err, output)
	}
}
