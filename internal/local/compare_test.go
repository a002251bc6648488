package local

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestCompare compares what is kept in files with what git asks for.
func TestCompare(t *testing.T) {
	wanted := func(kind render.Kind, replicas int64, letter string) render.Object {
		return render.Object{
			Ref: render.Ref{Kind: kind, Namespace: "ml", Name: "mnist"}, Model: "mnist", Digest: schema.Digest("v1-" + strings.Repeat(letter, 64)),
			Body: map[string]any{"kind": string(kind), "spec": map[string]any{"replicas": replicas}},
		}
	}
	for name, test := range map[string]struct {
		live, git render.Object
		want      string
	}{
		"same":    {wanted(render.SeldonDeployment, 1, "a"), wanted(render.SeldonDeployment, 1, "a"), "[]"},
		"changed": {wanted(render.SeldonDeployment, 1, "a"), wanted(render.SeldonDeployment, 2, "b"), "[spec.replicas: 1 -> 2]"},
		"edited":  {wanted(render.SeldonDeployment, 1, "a"), wanted(render.SeldonDeployment, 2, "a"), "[drift spec.replicas: 1 -> 2]"},
		"later":   {wanted(render.Workflow, 1, "a"), wanted(render.Workflow, 2, "a"), "[later spec.replicas: 1 -> 2]"},
	} {
		t.Run(name, func(t *testing.T) {
			e := New(Options{Dir: t.TempDir()})
			if r := e.Compare(test.git); !r.New() {
				t.Errorf("of nothing: %+v", r)
			}
			if _, err := e.Operation(test.git.Ref); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of nothing: %v", err)
			}
			if err := e.Apply(t.Context(), test.live, ""); err != nil {
				t.Fatal(err)
			}
			said := []string{}
			r := e.Compare(test.git)
			for _, f := range r.Fields {
				said = append(said, strings.TrimSpace(fmt.Sprintf("%s %s: %v -> %v", f.Cause, f.Path, f.Live, f.Git)))
			}
			if got := fmt.Sprint(said); got != test.want || r.New() || r.Err != nil {
				t.Errorf("got %s, %+v", got, r)
			}
			if body, err := e.Operation(test.git.Ref); err != nil || len(compare.Objects(body, test.live.Body)) > 0 {
				t.Errorf("it was made of %v, %v", body, err)
			}
		})
	}
}
