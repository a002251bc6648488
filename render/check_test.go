package render_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// folder is a repository without git: its folders have no hashes worth looking at.
type folder struct{ fstest.MapFS }

func (folder) Hash(string) (string, error) { return strings.Repeat("0", 40), nil }

// TestCheck reads the repositories of testdata/check. Each is an archive with its files and with `want`: the findings as people read
// them, then the objects of the models that none of them freezes.
func TestCheck(t *testing.T) {
	names, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tree := folder{fstest.MapFS{}}
			last := len(a.Files) - 1
			for _, f := range a.Files[:last] {
				tree.MapFS[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			c, err := schema.Load(context.Background(), tree)
			if err != nil {
				t.Fatal(err)
			}
			got := checked(c.With(render.Check(c)))
			if *update {
				a.Files[last].Data = got
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(a.Files[last].Data), string(got)); diff != "" {
				t.Errorf("want (-want +got):\n%s", diff)
			}
		})
	}
}

func checked(c schema.Catalog) []byte {
	var b bytes.Buffer
	for _, f := range c.Findings {
		fmt.Fprintf(&b, "%s [%s]\n", f, f.Scope)
	}
	for _, m := range c.Models {
		objects := []render.Object{render.NewSearch(m, settings, strings.Repeat("1", 40))}
		if m.Package != nil && len(m.Package.Argo) > 0 {
			objects = append(objects, render.NewWorkflow(m, schema.Release{Number: 1}, settings))
		}
		for _, e := range m.Serve {
			objects = append(objects, render.NewSeldonDeployment(m, e, schema.Release{Number: 1, Image: "registry.example/mnist@sha256:1"}, settings))
		}
		b.Write(render.YAML(objects...))
	}
	return b.Bytes()
}

// TestAdditionsPage holds that the example of docs/additions.md is one.
func TestAdditionsPage(t *testing.T) {
	text, err := os.ReadFile("../docs/additions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```cue\n")
	example, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the page has no example")
	}
	c, err := schema.Load(context.Background(), folder{fstest.MapFS{"models.cue": {Data: []byte(example)}}})
	if err != nil {
		t.Fatal(err)
	}
	if c = c.With(render.Check(c)); len(c.Findings) > 0 || len(c.Models) != 1 {
		t.Errorf("%d models, %v", len(c.Models), c.Findings)
	}
}
