package polyaxon

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/internal/compare"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestCompare compares live.json, as a server keeps it, with git.yaml; the file want is what came of it. COMMIT in git.yaml is the commit
// that it is rendered with.
func TestCompare(t *testing.T) {
	files, err := filepath.Glob("testdata/compare/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			live, err := parse(part(archive, "live.json"))
			if err != nil {
				t.Fatal(err)
			}
			got := told(Compare(live, func(commit string) map[string]any {
				var git map[string]any
				if err := yaml.Unmarshal([]byte(strings.ReplaceAll(part(archive, "git.yaml"), "COMMIT", commit)), &git); err != nil {
					t.Fatal(err)
				}
				return git
			}))
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(part(archive, "want"), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func part(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func told(r compare.Result) string {
	var b strings.Builder
	for _, f := range r.Fields {
		fmt.Fprintf(&b, "%s %s: %v -> %v\n", f.Cause, f.Path, f.Live, f.Git)
	}
	return b.String()
}

// TestOperation reads what servers keep of a run.
func TestOperation(t *testing.T) {
	const uid = "0123456789abcdef0123456789abcdef"
	for name, test := range map[string]struct {
		reply, want string
		fails       bool
	}{
		"as sent":    {`{"raw_content": "{\"kind\": \"operation\"}", "content": "{}"}`, `{"kind":"operation"}`, false},
		"compiled":   {`{"raw_content": null, "content": "{\"kind\": \"compiled_operation\", \"run\": {\"kind\": \"job\"}}"}`, `{"component":{"run":{"kind":"job"}},"kind":"compiled_operation"}`, false},
		"not JSON":   {`{"raw_content": "kind: operation", "content": "kind: operation"}`, "", true},
		"no content": {`{}`, "", true},
	} {
		e, _ := replies(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, test.reply) })
		got, err := e.Operation(t.Context(), uid)
		if (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
		if text, _ := json.Marshal(got); !test.fails && string(text) != test.want {
			t.Errorf("%s: got %s", name, text)
		}
		if _, err := e.Operation(t.Context(), "../projects"); err == nil {
			t.Errorf("%s: another address is asked", name)
		}
	}
}

// FuzzCompare takes whatever a server keeps of a run: it may be wrong, it never panics.
func FuzzCompare(f *testing.F) {
	files, err := filepath.Glob("testdata/compare/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(part(archive, "live.json"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		live, err := parse(text)
		if err != nil {
			return
		}
		Compare(live, func(string) map[string]any { return map[string]any{"matrix": map[string]any{"kind": "grid"}} })
		again, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		twin, _ := parse(text)
		if r := Compare(again, func(string) map[string]any { return twin }); len(r.Fields) > 0 {
			t.Errorf("it differs from itself: %s", told(r))
		}
	})
}
