package compare

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestCases compares live.yaml with after.yaml, which is git.yaml where there is none: fields are the differences, text is what of
// the two people see.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	live, git := object(t, archive, "live.yaml"), object(t, archive, "git.yaml")
	after := object(t, archive, "after.yaml")
	if after == nil {
		after = git
	}
	for name, got := range map[string]string{"fields": said(Objects(live, after)), "text": shown(t, live, after, git)} {
		i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
		switch {
		case *update && i >= 0:
			archive.Files[i].Data = []byte(got)
		case *update:
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got)})
		case i < 0:
			t.Fatalf("no file %s; try go test -update", name)
		default:
			if d := cmp.Diff(string(archive.Files[i].Data), got); d != "" {
				t.Errorf("%s: -want +got:\n%s", name, d)
			}
		}
	}
	if *update {
		slices.SortStableFunc(archive.Files, func(a, b txtar.File) int { return order(a.Name) - order(b.Name) })
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func order(name string) int {
	return slices.Index([]string{"live.yaml", "git.yaml", "after.yaml", "fields", "text"}, name)
}

func object(t *testing.T, archive *txtar.Archive, name string) map[string]any {
	t.Helper()
	for _, f := range archive.Files {
		if f.Name != name {
			continue
		}
		var v map[string]any
		if err := yaml.Unmarshal(f.Data, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	return nil
}

func said(fields []Field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s: %s -> %s\n", f.Path, text(f.Live), text(f.Git))
	}
	return b.String()
}

func text(v any) string {
	s, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(s)
}

func shown(t *testing.T, live, after, git map[string]any) string {
	t.Helper()
	before, now := Sides(live, after, git)
	l, err1 := yaml.Marshal(before)
	g, err2 := yaml.Marshal(now)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return string(diff.Diff("live", l, "git", g))
}

// FuzzObjects compares any JSON: nothing differs from itself, and what differs on one side differs on the other.
func FuzzObjects(f *testing.F) {
	f.Add(`{"a": [{"name": "x"}, {"name": "y"}], "b": {"limits": {"cpu": "1000m"}}}`, `{"a": [{"name": "y"}], "b": {"limits": {"cpu": 1}}}`)
	f.Add(`{"a": [1, {"b": null}], "c": ""}`, `{"a": [[1], {"b": {}}]}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		var x, y map[string]any
		if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
			return
		}
		if d := Objects(x, x); len(d) > 0 {
			t.Errorf("an object differs from itself in %v", d)
		}
		there, back := Objects(x, y), Objects(y, x)
		if len(there) != len(back) {
			t.Errorf("%v differ one way, %v the other", there, back)
		}
		before, now := Sides(x, y, y)
		if rest := Objects(before, now); (len(rest) == 0) != (len(there) == 0) {
			t.Errorf("%v differ, and of what is shown %v", there, rest)
		}
	})
}
