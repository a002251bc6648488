package schema

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestBroken reads the repositories of testdata/broken, broken as people break them. Each is an archive with its files and with
// `want`: the findings as people read them. What is wrong has a place, and something to try.
func TestBroken(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(names) < 25 {
		t.Fatalf("%d repositories: %v", len(names), err)
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
			var b strings.Builder
			for _, f := range c.Findings {
				fmt.Fprintf(&b, "%s [%s]\n", f, f.Scope)
				if f.Pos.Line == 0 || f.Hint == "" && f.Severity != Note && !strings.Contains(f.Message, "has to be") {
					t.Errorf("no place or nothing to try: %s", f)
				}
			}
			compareGolden(t, name, a, "want", b.String())
		})
	}
}
