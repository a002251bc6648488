package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestS2I reads cases from testdata/s2i: a folder is a source, and its Dockerfile.golden what is made of it.
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
			file := filepath.Join(t.TempDir(), "Dockerfile")
			output, err := script(t, "s2i.sh", "CONTEXT="+context, "BUILDER_IMAGE=registry.example/builder:1", "DOCKERFILE="+file)
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

func TestBuild(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"artifact": "weights", "context/model.py": "class Model: pass\n", "context/.dockerignore": "out"})
	env := []string{
		"CONTEXT=" + dir + "/context", "ARTIFACT=" + dir + "/artifact", "ARTIFACT_PATH=out/best model.bin",
		"DOCKERFILE=" + dir + "/Dockerfile", "IMAGE=registry.example/mnist:v1-1f2e", "DIGEST=" + dir + "/digest",
		"STORAGE=" + dir + "/storage", "BUILDAH_LOG=" + dir + "/log",
	}
	for range 2 { // a container that is started again does the same
		if output, err := script(t, "build.sh", env...); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	calls := strings.ReplaceAll(`--root|DIR/storage/root|--runroot|DIR/storage/run|bud|-q|--timestamp|0|-f|DIR/Dockerfile|-t|registry.example/mnist:v1-1f2e|DIR/context
--root|DIR/storage/root|--runroot|DIR/storage/run|push|-q|--digestfile|DIR/digest|registry.example/mnist:v1-1f2e
`, "DIR", dir)
	want := map[string]string{
		"artifact": "weights", "context/.dockerignore": "out\n!out/best model.bin\n", "context/model.py": "class Model: pass\n", "context/out/best model.bin": "weights",
		"digest": "sha256:0f", "log": calls + calls,
	}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// TestBuildClash gives the artifact a path that the serving source has another use for: nothing is built.
func TestBuildClash(t *testing.T) {
	for name, test := range map[string]struct {
		source, artifact string
		says             string // empty where it works
	}{
		"folder in its place":         {"model.dat/notes", "model.dat", "has a folder where the artifact goes: model.dat"},
		"file in place of its folder": {"a", "a/b/model.dat", "no folder can be made in the serving source for the artifact a/b/model.dat"},
		"file further down":           {"a/b", "a/b/model.dat", "no folder can be made in the serving source for the artifact a/b/model.dat"},
		"file in its place":           {"a/b/model.dat", "a/b/model.dat", ""},
		"odd names":                   {"model.py", "-a/-m", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"artifact": "weights", "context/" + test.source: "source"})
			output, err := script(t, "build.sh",
				"CONTEXT="+dir+"/context", "ARTIFACT="+dir+"/artifact", "ARTIFACT_PATH="+test.artifact, "DOCKERFILE="+dir+"/Dockerfile",
				"IMAGE=registry.example/mnist:v1-1f2e", "DIGEST="+dir+"/digest", "STORAGE="+dir+"/storage", "BUILDAH_LOG="+dir+"/log")
			files := read(t, dir)
			if test.says != "" {
				if err == nil || !strings.Contains(output, test.says) || files["log"] != "" {
					t.Fatalf("%v: %s%s", err, output, files["log"])
				}
				return
			}
			if err != nil || files["context/"+test.artifact] != "weights" {
				t.Fatalf("%v: %s%v", err, output, files)
			}
		})
	}
}
