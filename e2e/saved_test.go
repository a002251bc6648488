//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestSavedPlan saves what is to be done, and has exactly that carried out: once, and not after the branch has moved (I1).
func TestSavedPlan(t *testing.T) {
	w := quickWorld(t, map[string]string{"one.cue": "models: one: {}"}, "")
	file := filepath.Join(t.TempDir(), "next.plan")
	save := func(want string) {
		t.Helper()
		if out, code := w.trefoil("plan", "--live", "-o", file); code != 0 || !strings.Contains(out, want) {
			t.Fatalf("plan ends with %d and says\n%s", code, out)
		}
	}
	carryOut := func(code int, want string) {
		t.Helper()
		out, got := w.trefoil("run", "--once", "--plan", file)
		if got != code || !strings.Contains(out, want) {
			t.Fatalf("run ends with %d and says\n%s", got, out)
		}
	}
	save("one: search: 3 experiments as one-v1-")
	w.write("two", map[string]string{"two.cue": "models: two: {}"})
	carryOut(1, "plan again")
	if n := len(w.runs("kind:matrix")); n != 0 {
		t.Fatalf("%d searches by a plan of another revision", n)
	}
	save("two: search: 3 experiments as two-v1-")
	carryOut(0, "two: search: 3 experiments as two-v1-")
	carryOut(1, "not carried out, since it is not what is to be done any more")
	if n := len(w.runs("kind:matrix")); n != 2 {
		t.Errorf("I1: %d searches of two models", n)
	}
}
