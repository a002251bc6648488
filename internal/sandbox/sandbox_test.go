package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/schema"
)

// child is the name under which the test binary is the child.
const child = "sandbox-child"

func TestMain(m *testing.M) {
	if os.Args[0] == child {
		if err := sandbox.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func newSandbox(t testing.TB, deadline time.Duration) *sandbox.Sandbox {
	t.Helper()
	program, err := sandbox.Program()
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.New(sandbox.Options{Command: []string{program, child}, Deadline: deadline, Children: 2})
}

// tree is files as a schema.Tree. Folders have a hash, and it does not matter which.
type tree struct{ fstest.MapFS }

func (t tree) Hash(folder string) (string, error) {
	if info, err := fs.Stat(t, folder); err != nil || !info.IsDir() {
		return "", fs.ErrNotExist
	}
	return strings.Repeat("a", 40), nil
}

func archive(t testing.TB, name string) (tree, *txtar.Archive) {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := tree{fstest.MapFS{}}
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Name, "want") {
			files.MapFS[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
	}
	return files, a
}

// TestSameCatalog holds the child to what evaluation in this process finds, which schema's own test holds to what is wanted.
func TestSameCatalog(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../schema/testdata/load/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	s := newSandbox(t, 10*time.Second)
	for _, name := range names {
		files, _ := archive(t, name)
		want, err := schema.Load(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		for _, how := range []string{"first", "again"} {
			got, err := schema.LoadWith(t.Context(), files, s.Evaluate)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-here +child):\n%s", name, how, diff)
			}
		}
	}
}

// TestAtOnce: who waits for another evaluation comes to what he would alone.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../schema/testdata/load/*.txtar")
	if err != nil || len(names) < 8 {
		t.Fatalf("too few repositories: %v", err)
	}
	s := newSandbox(t, 10*time.Second)
	var m schema.Memory
	for _, name := range names[:8] {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			files, _ := archive(t, name)
			want, err := schema.Load(t.Context(), files)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Load(t.Context(), files, s.Evaluate)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-alone +among others):\n%s", diff)
			}
		})
	}
}

// TestSameFiles: most commits change no spec, and then no child is started.
func TestSameFiles(t *testing.T) {
	t.Parallel()
	files := tree{fstest.MapFS{"models.cue": {Data: []byte("package models\nmodels: {}\n")}}}
	s := newSandbox(t, 10*time.Second)
	want, err := schema.LoadWith(t.Context(), files, s.Evaluate)
	if err != nil {
		t.Fatal(err)
	}
	s.Command = []string{"/does/not/exist", child}
	files.MapFS["notes.txt"] = &fstest.MapFile{Data: []byte("no spec")}
	got, err := schema.LoadWith(t.Context(), files, s.Evaluate)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-first +again):\n%s", err, diff)
	}
	files.MapFS["more.cue"] = &fstest.MapFile{Data: []byte("package models\nmodels: {}\n")}
	if _, err := schema.LoadWith(t.Context(), files, s.Evaluate); err == nil {
		t.Error("another spec was not looked at")
	}
}

// TestEnds: a child ends with the context of its parent, and one that can't be started is no finding.
func TestEnds(t *testing.T) {
	t.Parallel()
	files := tree{fstest.MapFS{"models.cue": {Data: []byte("package models\nmodels: {}\n")}}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := schema.LoadWith(ctx, files, newSandbox(t, time.Second).Evaluate); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, program := range []string{"/does/not/exist", "/bin/false", "/bin/cat"} {
		s := sandbox.New(sandbox.Options{Command: []string{program, child}, Deadline: time.Second})
		c, err := schema.LoadWith(t.Context(), files, s.Evaluate)
		if err == nil {
			t.Errorf("%s: findings %v", program, c.Findings)
		}
	}
}
