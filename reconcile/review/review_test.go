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
	if err != nil || len(files) < 20 {
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
	return review.Make(review.Input{
		Base:     review.Side{Name: "main", Revision: "1111111111111111111111111111111111111111", Catalog: load(t, base)},
		Head:     review.Side{Name: "feature", Revision: "2222222222222222222222222222222222222222", Catalog: load(t, head)},
		Settings: render.Settings{Path: ".", Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}},
		Limits:   plan.Limits{Deletions: 5, ExperimentsPerHour: 200},
	})
}

// trees are both revisions: what the case says of them, over the base that it names.
func trees(t *testing.T, c *txtar.Archive) (base, head tree) {
	t.Helper()
	base, head = tree{fstest.MapFS{}}, tree{fstest.MapFS{}}
	names := strings.NewReplacer()
	for _, f := range c.Files {
		if f.Name == "base" {
			shared, err := txtar.ParseFile(filepath.Join("testdata", "base", strings.TrimSpace(string(f.Data))+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			base.take(shared.Files, "")
			names = digests(t, base, shared)
		}
	}
	base.take(c.Files, "base/")
	maps.Copy(head.MapFS, base.MapFS)
	head.take(c.Files, "head/")
	for _, f := range c.Files {
		if f.Name == "edit" {
			head.edit(t, string(f.Data))
		}
	}
	base.replace(names)
	head.replace(names)
	return base, head
}

// digests are what {NAME.search}, {NAME.select} and {NAME.package} in selected/ stand for: what the models of the shared base ask
// for, or those of its old.cue as {NAME.old.search}.
func digests(t *testing.T, base tree, shared *txtar.Archive) *strings.Replacer {
	t.Helper()
	var pairs []string
	for part, file := range map[string]string{"": "models.cue", "old.": "old.cue"} {
		old := tree{maps.Clone(base.MapFS)}
		maps.DeleteFunc(old.MapFS, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "selected/") })
		delete(old.MapFS, "old.cue")
		for _, f := range shared.Files {
			if f.Name == file {
				old.MapFS["models.cue"] = &fstest.MapFile{Data: f.Data}
			}
		}
		for _, m := range load(t, old).Models {
			d := m.Digests
			pairs = append(pairs, "{"+m.Name+"."+part+"search}", string(d.Search), "{"+m.Name+"."+part+"select}", string(d.Select),
				"{"+m.Name+"."+part+"package}", string(d.Package))
		}
	}
	delete(base.MapFS, "old.cue")
	return strings.NewReplacer(pairs...)
}

func load(t *testing.T, files tree) schema.Catalog {
	t.Helper()
	c, err := schema.Load(context.Background(), files)
	if err != nil {
		t.Fatal(err)
	}
	return c.With(render.Check(c))
}

// tree is a revision in memory.
type tree struct{ fstest.MapFS }

// take adds the files below a prefix; an empty one is taken away.
func (t tree) take(files []txtar.File, prefix string) {
	for _, f := range files {
		name, found := strings.CutPrefix(f.Name, prefix)
		switch {
		case !found:
		case len(f.Data) == 0:
			delete(t.MapFS, name)
		default:
			t.MapFS[name] = &fstest.MapFile{Data: f.Data}
		}
	}
}

// edit carries out lines "FILE: old => new", each of which finds its old text once; in the new one \n and \t are line and tab.
func (f tree) edit(t *testing.T, edits string) {
	t.Helper()
	for line := range strings.Lines(edits) {
		name, change, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		old, now, found := strings.Cut(change, " =>")
		if !found || f.MapFS[name] == nil || bytes.Count(f.MapFS[name].Data, []byte(old)) != 1 {
			t.Fatalf("edit %q does not find its text once", line)
		}
		now = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(strings.TrimPrefix(now, " "))
		f.MapFS[name] = &fstest.MapFile{Data: []byte(strings.Replace(string(f.MapFS[name].Data), old, now, 1))}
	}
}

func (f tree) replace(names *strings.Replacer) {
	for name, file := range f.MapFS {
		f.MapFS[name] = &fstest.MapFile{Data: []byte(names.Replace(string(file.Data)))}
	}
}

// Hash stands in for git's: it changes with every name and content.
func (f tree) Hash(folder string) (string, error) {
	sum := sha1.New()
	err := fs.WalkDir(f, folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintf(sum, "%q %q", name, f.MapFS[name].Data)
		}
		return err
	})
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}
