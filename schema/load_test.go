package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what tests see as what they want")

// TestLoad reads the repositories of testdata/load. Each is an archive with its files and with `want`: the findings as people
// read them, then the catalog.
func TestLoad(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Load(context.Background(), archiveTree(a, "want"))
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, name, a, "want", catalogText(c))
		})
	}
}

// compareGolden compares a section of an archive with what was seen, or writes it with -update.
func compareGolden(t *testing.T, file string, a *txtar.Archive, section, got string) {
	t.Helper()
	for i := range a.Files {
		if a.Files[i].Name != section {
			continue
		}
		if *update {
			a.Files[i].Data = []byte(got)
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(a.Files[i].Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", section, diff)
		}
		return
	}
	if *update {
		a.Files = append(a.Files, txtar.File{Name: section, Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("no section %s", section)
}

// catalogText is findings, then models, selections and retired, one value a line.
func catalogText(c Catalog) string {
	var b strings.Builder
	for _, f := range c.Findings {
		fmt.Fprintf(&b, "%s [%s]\n", f, f.Scope)
	}
	for _, m := range c.Models {
		lines(&b, "model "+m.Name, m)
	}
	for _, name := range sortedKeys(c.Selected) {
		lines(&b, "selected "+name, c.Selected[name])
	}
	for _, name := range sortedKeys(c.Retired) {
		fmt.Fprintf(&b, "retired %s: %s\n", name, c.Retired[name])
	}
	return b.String()
}

func lines(b *strings.Builder, title string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		fmt.Fprintf(b, "%s: %v\n", title, err)
		return
	}
	var tree any
	if err := decode(data, &tree); err != nil {
		fmt.Fprintf(b, "%s: %v\n", title, err)
		return
	}
	fmt.Fprintln(b, title)
	leaves(b, "", tree)
}

// leaves writes what is not empty, one line each.
func leaves(b *strings.Builder, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			leaves(b, path+"."+key, v[key])
		}
	case []any:
		for i, elt := range v {
			leaves(b, fmt.Sprintf("%s[%d]", path, i), elt)
		}
	case nil:
	default:
		if s := fmt.Sprint(v); s != "" && s != "0" && s != "false" {
			fmt.Fprintf(b, "\t%s = %s\n", strings.TrimPrefix(path, "."), s)
		}
	}
}

// TestLoadRefusesLargeFiles: models.cue freezes the revision, a file of the daemon its model.
func TestLoadRefusesLargeFiles(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("// padding\n"), maxFileSize/10)
	for name, scope := range map[string]Scope{"models.cue": {}, "selected/mnist.cue": {Model: "mnist"}} {
		files := fstest.MapFS{"models.cue": {Data: []byte("package models\nmodels: {}\n")}}
		files[name] = &fstest.MapFile{Data: large}
		c, err := Load(context.Background(), testTree{files})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Findings) == 0 || c.Findings[0].Code != codeTooLarge || c.Findings[0].Scope != scope {
			t.Errorf("%s: findings %v", name, c.Findings)
		}
	}
}

// TestLoadRefusesDefinitionsAlone: they say what models look like, not that there are none.
func TestLoadRefusesDefinitionsAlone(t *testing.T) {
	t.Parallel()
	c, err := Load(context.Background(), testTree{fstest.MapFS{schemaFile: {Data: CUE()}}})
	if err != nil || len(c.Findings) != 1 || c.Findings[0].Code != CodeNoSpec || !c.freezes(Scope{}) {
		t.Errorf("findings %v, %v", c.Findings, err)
	}
}

// TestLoadFails where the tree can't be read, or nobody waits any more.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	if _, err := Load(context.Background(), testTree{os.DirFS("testdata/absent")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, testTree{os.DirFS(exampleDir)}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestNothingIsMissingWithoutAWord: what CUE can't hand over is a finding, once, about what is missing.
func TestNothingIsMissingWithoutAWord(t *testing.T) {
	t.Parallel()
	j := judged{}
	j.unreadable("models", "mnist", "serve", "staging")
	j.unreadable("models", "mnist")
	j.unreadable("models", "mnist", "serve", "production") // told by the one about all of mnist
	j.unreadable("models")
	var scopes []string
	for _, f := range j.Findings {
		scopes = append(scopes, f.Scope.String())
	}
	if diff := cmp.Diff([]string{"mnist/staging", "mnist", "revision"}, scopes); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}
