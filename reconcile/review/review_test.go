package review_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

var update = flag.Bool("update", false, "write the expectations of testdata")

// TestReview goes through the cases of testdata; testdata/README.md says how one is written.
func TestReview(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := compared(t, c)
			check(t, file, c, "plan", r.String())
			if slices.ContainsFunc(c.Files, func(f txtar.File) bool { return f.Name == "markdown" }) {
				check(t, file, c, "markdown", r.Markdown())
			}
		})
	}
}

func check(t *testing.T, file string, c *txtar.Archive, section, got string) {
	t.Helper()
	i := slices.IndexFunc(c.Files, func(f txtar.File) bool { return f.Name == section })
	if i < 0 {
		c.Files = append(c.Files, txtar.File{Name: section})
		i = len(c.Files) - 1
	}
	if *update {
		c.Files[i].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(c), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(c.Files[i].Data), got); d != "" {
		t.Errorf("%s (-want +got)\n%s", section, d)
	}
}

// compared is the review of a case.
func compared(t *testing.T, c *txtar.Archive) review.Review {
	t.Helper()
	base, head := trees(t, c)
	before := schema.Catalog{} // of a base without files: before the first specs
	if len(base.MapFS) > 0 {
		before = load(t, base)
	}
	return between(before, load(t, head))
}

var settings = render.Settings{Path: ".", Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}}

func between(base, head schema.Catalog) review.Review {
	return review.Make(review.Input{
		Base:     review.Side{Name: "main", Revision: "1111111111111111111111111111111111111111", Catalog: base},
		Head:     review.Side{Name: "feature", Revision: "2222222222222222222222222222222222222222", Catalog: head},
		Settings: settings,
		Limits:   plan.Limits{Deletions: 5, ExperimentsPerHour: 200},
	})
}

// trees are both revisions: what the case says of them, over the base that it names.
func trees(t *testing.T, c *txtar.Archive) (base, head tree) {
	t.Helper()
	base = tree{fstest.MapFS{}}
	if name := strings.TrimSpace(section(c, "base")); name != "" {
		shared, err := txtar.ParseFile(filepath.Join("testdata", "base", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		base.take(shared.Files, "")
	}
	shared := tree{maps.Clone(base.MapFS)}
	base.take(c.Files, "base/")
	base.edit(t, section(c, "before"))
	names := strings.NewReplacer(append(digests(t, base), digests(t, shared)...)...) // the first one of a name counts
	delete(base.MapFS, "old.cue")
	head = tree{maps.Clone(base.MapFS)}
	head.take(c.Files, "head/")
	head.edit(t, section(c, "edit"))
	base.replace(names)
	head.replace(names)
	return base, head
}

func section(c *txtar.Archive, name string) string {
	for _, f := range c.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// digests are what {NAME.search}, {NAME.select} and {NAME.package} in selected/ stand for: what the models of the base ask for, or
// those of its old.cue as {NAME.old.search}.
func digests(t *testing.T, base tree) (pairs []string) {
	t.Helper()
	specs := tree{maps.Clone(base.MapFS)}
	maps.DeleteFunc(specs.MapFS, func(name string, _ *fstest.MapFile) bool {
		return strings.HasPrefix(name, "selected/") || name == "old.cue"
	})
	pairs = placeholders(load(t, specs), "")
	if old := base.MapFS["old.cue"]; old != nil {
		specs.MapFS["models.cue"] = old
		pairs = append(pairs, placeholders(load(t, specs), "old.")...)
	}
	return pairs
}

func placeholders(c schema.Catalog, part string) (pairs []string) {
	for _, m := range c.Models {
		d := m.Digests
		pairs = append(pairs, "{"+m.Name+"."+part+"search}", string(d.Search), "{"+m.Name+"."+part+"select}", string(d.Select),
			"{"+m.Name+"."+part+"package}", string(d.Package))
	}
	return pairs
}

// catalogs are what was loaded, by the hash of all files: most cases begin with the same base. Each is a func() (schema.Catalog, error).
var catalogs sync.Map

func load(t *testing.T, files tree) schema.Catalog {
	t.Helper()
	hash, err := files.Hash(".")
	if err != nil {
		t.Fatal(err)
	}
	once, _ := catalogs.LoadOrStore(hash, sync.OnceValues(func() (schema.Catalog, error) {
		c, err := schema.Load(context.Background(), files)
		return c.With(render.Check(c)), err
	}))
	c, err := once.(func() (schema.Catalog, error))()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tree is a revision in memory.
type tree struct{ fstest.MapFS }

// take adds the files below a prefix; an empty one is taken away.
func (f tree) take(files []txtar.File, prefix string) {
	for _, file := range files {
		name, found := strings.CutPrefix(file.Name, prefix)
		switch {
		case !found:
		case len(file.Data) == 0:
			delete(f.MapFS, name)
		default:
			f.MapFS[name] = &fstest.MapFile{Data: file.Data}
		}
	}
}

// edit carries out lines "FILE: old => new", each of which finds its old text once; in both \n and \t are line and tab.
func (f tree) edit(t *testing.T, edits string) {
	t.Helper()
	written := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r")
	for line := range strings.Lines(edits) {
		name, change, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		old, now, found := strings.Cut(change, " =>")
		old, now = written.Replace(old), written.Replace(strings.TrimPrefix(now, " "))
		if !found || f.MapFS[name] == nil || bytes.Count(f.MapFS[name].Data, []byte(old)) != 1 {
			t.Fatalf("edit %q does not find its text once", line)
		}
		f.MapFS[name] = &fstest.MapFile{Data: []byte(strings.Replace(string(f.MapFS[name].Data), old, now, 1))}
	}
}

func (f tree) replace(names *strings.Replacer) {
	for name, file := range f.MapFS {
		f.MapFS[name] = &fstest.MapFile{Data: []byte(names.Replace(string(file.Data)))}
	}
}

// Hash stands in for git's: it changes with every name below the folder, and content.
func (f tree) Hash(folder string) (string, error) {
	sum := sha1.New()
	err := fs.WalkDir(f, folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintf(sum, "%q %q", strings.TrimPrefix(name, folder+"/"), f.MapFS[name].Data)
		}
		return err
	})
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}
