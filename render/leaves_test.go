package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLeaves(t *testing.T) {
	body := map[string]any{
		"apiVersion": "v1", "kind": "X",
		"metadata": map[string]any{"name": "x", "namespace": "y", "labels": map[string]any{"a/b": "1", "a~b": "2"}},
		"spec": map[string]any{
			"list": []any{map[string]any{"name": "x"}}, "empty": []any{}, "none": nil, "struct": map[string]any{}, "no": false, "zero": int64(0),
		},
	}
	want := []string{"/metadata/labels/a~0b", "/metadata/labels/a~1b", "/spec/list", "/spec/no", "/spec/zero"}
	if diff := cmp.Diff(want, Leaves(body)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
