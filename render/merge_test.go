package render_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
	"pgregory.net/rapid"
)

// TestAdditionsChangeNothing adds what may be anything to objects: all that Trefoil writes is still there, in its place.
func TestAdditionsChangeNothing(t *testing.T) {
	s := load(t, "testdata/mnist")
	e := s.Model.Serve[0]
	before := []render.Object{render.NewSearch(s.Model, settings, ""), render.NewWorkflow(s.Model, s.Release, settings), render.NewSeldonDeployment(s.Model, e, s.Release, settings)}
	delete(before[2].Body["metadata"].(map[string]any), "annotations") // the digest is over what was added too
	rapid.Check(t, func(t *rapid.T) {
		with, at := s.Model, e
		pack := *with.Package
		with.Package = &pack
		with.Train.Polyaxon, pack.Argo, at.Seldon = addition(t, before[0].Body), addition(t, before[1].Body), addition(t, before[2].Body)
		after := []render.Object{render.NewSearch(with, settings, ""), render.NewWorkflow(with, s.Release, settings), render.NewSeldonDeployment(with, at, s.Release, settings)}
		for i, o := range after {
			if lost := missing(before[i].Body, o.Body); lost != "" || o.Ref != before[i].Ref || plain(o.Body) != nil {
				t.Fatalf("%s lost %s", o.Ref, lost)
			}
		}
		with.Serve = []schema.Environment{at}
		render.Check(schema.Catalog{Models: []schema.Model{with}})
	})
}

// addition is a struct of the shape of an object, with other values, and with other fields beside them.
func addition(t *rapid.T, body any) map[string]any {
	var other func(v any) any
	other = func(v any) any {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]any{nil, "x", int64(3), true, []any{}, []any{"x"}, map[string]any{"name": "x"}}).Draw(t, "value")
		case 1:
			return v
		}
		switch v := v.(type) {
		case map[string]any:
			m := map[string]any{"added": "x"}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if rapid.Bool().Draw(t, "field") {
					m[key] = other(v[key])
				}
			}
			return m
		case []any:
			var list []any
			for _, elt := range v {
				list = append(list, other(elt))
			}
			return append(list, other("x"))
		}
		return "other"
	}
	m, _ := other(body).(map[string]any)
	return m
}

// missing is the path of what is in a and not in b.
func missing(a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		other, _ := b.(map[string]any)
		for key, v := range a {
			if lost := missing(v, other[key]); lost != "" {
				return key + "." + lost
			}
		}
		return ""
	case []any:
		other, _ := b.([]any)
		if len(other) < len(a) {
			return "an element"
		}
		for i, v := range a {
			if lost := missing(v, other[i]); lost != "" {
				return fmt.Sprint(i) + "." + lost
			}
		}
		return ""
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("%v: %v", a, b)
	}
	return ""
}
