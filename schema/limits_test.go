package schema

import (
	"fmt"
	"strings"
	"testing"
)

// TestPoints holds a limit that a golden would take long for: CUE needs a second for ten thousand points.
func TestPoints(t *testing.T) {
	t.Parallel()
	search := Search{Kind: Mapping, Mapping: make([][]Param, maxPoints)}
	for more, want := range []int{0, 1} {
		l := loader{name: "mnist"}
		l.limits(Model{Train: Train{Search: search}})
		if len(l.findings) != want || want == 1 && l.findings[0].Code != codeLimit {
			t.Errorf("%d points: %v", maxPoints+more, l.findings)
		}
		search.Mapping = append(search.Mapping, nil)
	}
}

// TestQuantity holds that quantities are compared as Kubernetes does.
func TestQuantity(t *testing.T) {
	t.Parallel()
	for _, equal := range [][2]string{{"1", "1000m"}, {"0.3", "300m"}, {"1Gi", "1024Mi"}, {"2k", "2000"}, {"1.5G", "1500M"}, {"1Ei", "1024Pi"}} {
		if a, b := quantity(equal[0]), quantity(equal[1]); a != b || a == 0 {
			t.Errorf("%s is %v, %s is %v", equal[0], a, equal[1], b)
		}
	}
}

// TestMostModels: as many models are read as may be, and not one more.
func TestMostModels(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("package models\n\nmodels: {\n")
	for i := range maxModels {
		fmt.Fprintf(&text, "\tm%d: {}\n", i)
	}
	for _, more := range []string{"", "\tone: {}\n"} {
		r := Read(map[string][]byte{"models.cue": []byte(text.String() + more + "}\n")}, func(string) {})
		if refused := len(r.Units) == 0; refused != (more != "") {
			t.Errorf("with %q there are %d units, %v", more, len(r.Units), r.Findings)
		}
	}
}
