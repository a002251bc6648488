package plan_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestHistories runs testdata/history/*.txtar: revisions one after the other -> what each of them changed.
func TestHistories(t *testing.T) {
	cases, err := filepath.Glob("testdata/history/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			var past plan.Past
			again := revisions(t, archive)
			for i, c := range revisions(t, archive) {
				var changes []plan.Change
				if past, changes = past.Follow(c); i == 0 && section(archive, "cut") != "" {
					past, changes = plan.Since(c), nil
				}
				if d := cmp.Diff(again[i], c, cmpopts.EquateNaNs()); d != "" {
					t.Errorf("the revision was changed (-before +after):\n%s", d)
				}
				for _, c := range changes {
					fmt.Fprintf(&got, "%d  %s\n", i+1, c)
				}
			}
			if *update {
				new(scene).put(archive, "changes", got.String())
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(section(archive, "changes"), got.String()); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
		})
	}
}

// revisions loads the revisions of a case. Each has the files of the one before, apart from what its own sections say.
func revisions(t *testing.T, archive *txtar.Archive) []schema.Catalog {
	t.Helper()
	var all []schema.Catalog
	now, digests := map[string]string{}, []string{}
	for n := 1; ; n++ {
		prefix, any := fmt.Sprintf("%d/", n), false
		for _, f := range archive.Files {
			name, ours := strings.CutPrefix(f.Name, prefix)
			switch any = any || ours; {
			case !ours:
			case name == "edit":
				now["models.cue"] = edited(t, now["models.cue"], string(f.Data))
			case len(f.Data) == 0:
				delete(now, name)
			default:
				now[name] = string(f.Data)
			}
		}
		if !any {
			return all
		}
		for _, m := range specs(t, map[string]string{"models.cue": now["models.cue"]}, nil).Models {
			for part, d := range map[string]schema.Digest{"search": m.Digests.Search, "select": m.Digests.Select, "package": m.Digests.Package} {
				digests = append([]string{"{" + prefix + m.Name + "." + part + "}", string(d)}, digests...)
			}
		}
		all = append(all, specs(t, now, digests))
	}
}

// specs loads files in which names of digests stand for digests.
func specs(t *testing.T, files map[string]string, digests []string) schema.Catalog {
	t.Helper()
	r := repository{fstest.MapFS{"train/run.py": {}, "serve/Model.py": {}, "serve2/Model.py": {}}}
	names := strings.NewReplacer(digests...)
	for name, text := range files {
		r.MapFS[name] = &fstest.MapFile{Data: []byte(names.Replace(text))}
	}
	c, err := schema.Load(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c.With(render.Check(c))
}
