package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/schema"
)

// crowd is many healthy models, and others among them.
func crowd(among string) tree {
	var b strings.Builder
	b.WriteString("package models\n\nimport \"math/bits\"\n\n_used: bits.Lsh(1, 2)\n")
	for i := range 150 {
		b.WriteString(strings.ReplaceAll(strings.TrimPrefix(healthy, "package models"), "healthy", fmt.Sprintf(`"m%03d"`, i)))
	}
	return tree{fstest.MapFS{"models.cue": {Data: []byte(b.String() + among), Mode: 0o644}}}
}

// TestCrowd: models that are judged together with ones that are wrong, or end the process, come to what they would without (I10), and
// however many processes share them, the catalog is the same (I8).
func TestCrowd(t *testing.T) {
	t.Parallel()
	program, err := sandbox.Program()
	if err != nil {
		t.Fatal(err)
	}
	want, err := schema.Load(t.Context(), crowd(""))
	if err != nil || len(want.Models) != 150 {
		t.Fatalf("%d models, %v", len(want.Models), err)
	}
	for name, test := range map[string]struct {
		among  string
		frozen []string
	}{
		"none":  {"", nil},
		"wrong": {`models: "m010x": owner: 3` + "\n" + `models: "m100x": nothing: 3`, []string{"m010x", "m100x"}},
		"bomb":  {`models: "m010x": owner: "\(bits.Lsh(1, 10000000000))"`, []string{"m010x"}},
		"bombs": {`models: "m010x": owner: "\(bits.Lsh(1, 10000000000))"
models: "m011x": models."m012"
models: "m090x": owner: "\(bits.Lsh(1, 10000000001))"
models: "m140x": owner: "\(bits.Lsh(1, 10000000002))"`, []string{"m010x", "m090x", "m140x"}},
	} {
		for _, children := range []int{1, 3} {
			t.Run(fmt.Sprint(name, children), func(t *testing.T) {
				t.Parallel()
				s := sandbox.New(sandbox.Options{Command: []string{program, child}, Deadline: time.Minute, Children: children})
				got, err := schema.LoadWith(t.Context(), crowd(test.among), s.Evaluate)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range test.frozen {
					if _, frozen := got.Frozen(name, ""); !frozen {
						t.Errorf("nothing is said about %s", name)
					}
				}
				var healthy []schema.Model
				for _, m := range got.Models {
					if len(m.Name) == len("m000") {
						healthy = append(healthy, m)
					}
				}
				if diff := cmp.Diff(want.Models, healthy); diff != "" {
					t.Errorf("-alone +among them:\n%s", diff)
				}
			})
		}
	}
}
