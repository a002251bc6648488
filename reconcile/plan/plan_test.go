package plan_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

var update = flag.Bool("update", false, "write the plans that come out into testdata")

// TestPlans runs testdata/*.txtar: git before (models.cue, selected/*.cue), live before (live.yaml) -> plan. What a case may
// write is explained in testdata/README.md.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	loads := judged{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runCase(t, file, loads) })
	}
}

func runCase(t *testing.T, file string, loads judged) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, based(t, archive), loads)
	in := s.input(t)
	s.answer(t, archive, in.Live)
	before := printed(t, in)
	made := plan.Make(in)
	got := s.masked(made.String() + asked(made))
	if d := cmp.Diff(before, printed(t, in)); d != "" {
		t.Errorf("the planner changed its input (-before +after):\n%s", d)
	}
	if *update {
		s.put(archive, "plan", got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.TrimSpace(section(archive, "plan")), strings.TrimSpace(got)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// printed is all of an input: copies of it would share what they point to.
func printed(t *testing.T, in plan.Input) string {
	t.Helper()
	catalog, err := json.MarshalIndent(in.Catalog, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	in.Catalog = schema.Catalog{}
	return fmt.Sprintf("%s\n%+v", catalog, in)
}
