package plan_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

var update = flag.Bool("update", false, "write the plans that come out into testdata")

// TestPlans runs testdata/*.txtar: git before (models.cue, selected/*.cue), live before (live.yaml) -> plan. What a case may
// write is explained in testdata/README.md.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, based(t, archive))
	before := s.input(t)
	got := s.masked(plan.Make(before).String())
	if d := cmp.Diff(s.input(t), before, cmpopts.EquateNaNs()); d != "" {
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
