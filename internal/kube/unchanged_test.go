package kube

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"pgregory.net/rapid"

	"github.com/trefoil-gitops/trefoil/render"
)

// places are those that TestUnchanged edits.
var places = [][]string{
	{"metadata", "labels", render.LabelRelease}, {"metadata", "labels", "theirs"}, {"metadata", "annotations", render.AnnotationDigest},
	{"metadata", "annotations", "note"}, {"spec", "protocol"}, {"spec", "transport"}, {"spec", "annotations", "a"}, {"spec", "annotations"},
	{"spec", "predictors"}, {"status", "state"},
}

// TestUnchanged lets others, and whoever calls himself like us, write an object of ours by update and by apply, with the API server's
// own code for that. Where no dry-run is thought to be needed, there it changes nothing; and where nobody did anything, none is needed.
func TestUnchanged(t *testing.T) {
	const ours = "trefoil-models"
	sure, unsure := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		server := managedfieldstest.NewTestFieldManager(managedfields.NewDeducedTypeConverter(), apischema.FromAPIVersionAndKind("machinelearning.seldon.io/v1", "SeldonDeployment"))
		body := drawnBody(t)
		must(t, server.Apply(&unstructured.Unstructured{Object: body}, ours, true))
		if !unchanged(live(t, server), ours, body) {
			t.Fatalf("a dry-run of what was just applied is asked for\n%v", live(t, server).Object)
		}
		for range rapid.IntRange(0, 4).Draw(t, "edits") {
			edit(t, server, rapid.SampledFrom([]string{"kubectl-edit", "other", ours}).Draw(t, "manager"))
		}
		wanted := body
		if rapid.IntRange(0, 3).Draw(t, "git changed") == 0 {
			wanted = drawnBody(t)
		}
		before := live(t, server)
		fast := unchanged(before, ours, wanted)
		must(t, server.Apply(&unstructured.Unstructured{Object: wanted}, ours, true))
		diff := cmp.Diff(bare(before), bare(live(t, server)))
		if fast && diff != "" {
			t.Fatalf("no dry-run was thought to be needed, and it says\n%s", diff)
		}
		if fast {
			sure++
		} else {
			unsure++
		}
	})
	if sure == 0 || unsure == 0 {
		t.Errorf("%d times nobody asked, %d times somebody did", sure, unsure)
	}
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func live(t *rapid.T, server managedfieldstest.TestFieldManager) *unstructured.Unstructured {
	t.Helper()
	u, ok := server.Live().(*unstructured.Unstructured)
	if !ok {
		t.Fatalf("live is a %T", server.Live())
	}
	return u
}

// drawnBody is what git may ask for.
func drawnBody(t *rapid.T) map[string]any {
	u := object(render.SeldonDeployment, "mnist")
	u.SetAnnotations(map[string]string{render.AnnotationDigest: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "digest")})
	u.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelRelease: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "release")})
	u.Object["spec"] = map[string]any{"protocol": "seldon", "predictors": drawnList(t)}
	if rapid.Bool().Draw(t, "addition") {
		u.Object["spec"].(map[string]any)["annotations"] = map[string]any{"a": drawnText(t)}
	}
	return u.Object
}

func drawnText(t *rapid.T) string { return rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "text") }

func drawnList(t *rapid.T) []any {
	predictor := map[string]any{"name": "main", "replicas": rapid.Int64Range(0, 2).Draw(t, "replicas")}
	if rapid.Bool().Draw(t, "more") {
		predictor["labels"] = map[string]any{"x": drawnText(t)}
	}
	return []any{predictor}
}

// edit changes or takes away what is at one place, by a whole update, or applies that place alone.
func edit(t *rapid.T, server managedfieldstest.TestFieldManager, manager string) {
	place := rapid.SampledFrom(places).Draw(t, "place")
	var value any = drawnText(t)
	switch place[len(place)-1] {
	case "predictors":
		value = drawnList(t)
	case "annotations":
		value = map[string]any{"b": drawnText(t)}
	}
	u := live(t, server).DeepCopy()
	if rapid.Bool().Draw(t, "apply") {
		u = object(render.SeldonDeployment, "mnist")
	}
	if rapid.IntRange(0, 2).Draw(t, "take away") == 0 {
		unstructured.RemoveNestedField(u.Object, place...)
	} else if unstructured.SetNestedField(u.Object, value, place...) != nil {
		return // an apply left null where the struct was
	}
	if u.GetManagedFields() == nil {
		must(t, server.Apply(u, manager, true))
		return
	}
	must(t, server.Update(u, manager))
}

// TestUnchangedTable are the reasons to ask the server, each alone.
func TestUnchangedTable(t *testing.T) {
	const predictors = `{"name": "main", "replicas": 1}`
	owned := `{"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:predictors": {}, "f:protocol": {}}}`
	build := func(manager, operation, version, fields, spec string) *unstructured.Unstructured {
		return parsed(t, fmt.Appendf(nil, `{"apiVersion": "machinelearning.seldon.io/v1", "kind": "SeldonDeployment", "metadata": {"name": "x", "namespace": "y",
			"labels": {"a": "1", "b": "2"}, "managedFields": [{"manager": %q, "operation": %q, "apiVersion": %q, "fieldsV1": %s}]}, "spec": %s}`,
			manager, operation, version, fields, spec))
	}
	const v1, us = "machinelearning.seldon.io/v1", "trefoil-models"
	spec := `{"protocol": "seldon", "predictors": [` + predictors + `], "theirs": 1}`
	wanted := map[string]any{
		"apiVersion": v1, "kind": "SeldonDeployment", "metadata": map[string]any{"name": "x", "namespace": "y", "labels": map[string]any{"a": "1"}},
		"spec": map[string]any{"protocol": "seldon", "predictors": []any{map[string]any{"name": "main", "replicas": int64(1)}}},
	}
	for name, test := range map[string]struct {
		live *unstructured.Unstructured
		want bool
	}{
		"as applied":             {build(us, "Apply", v1, owned, spec), true},
		"nobody's":               {build("other", "Apply", v1, owned, spec), false},
		"by update":              {build(us, "Update", v1, owned, spec), false},
		"another version":        {build(us, "Apply", "machinelearning.seldon.io/v1alpha2", owned, spec), false},
		"garbled":                {build(us, "Apply", v1, `"x"`, spec), false},
		"garbled inside":         {build(us, "Apply", v1, `{"f:metadata": 1, "f:spec": {}}`, spec), false},
		"owns less":              {build(us, "Apply", v1, `{"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:protocol": {}}}`, spec), false},
		"owns more":              {build(us, "Apply", v1, `{"f:metadata": {"f:labels": {"f:a": {}, "f:b": {}}}, "f:spec": {"f:predictors": {}, "f:protocol": {}}}`, spec), false},
		"owns parts of the list": {build(us, "Apply", v1, `{"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:predictors": {"k:{\"name\":\"main\"}": {}}, "f:protocol": {}}}`, spec), false},
		"another value":          {build(us, "Apply", v1, owned, `{"protocol": "seldon", "predictors": [{"name": "main", "replicas": 2}]}`), false},
		"more in the list":       {build(us, "Apply", v1, owned, `{"protocol": "seldon", "predictors": [{"name": "main", "replicas": 1, "x": 1}]}`), false},
		"less":                   {build(us, "Apply", v1, owned, `{"predictors": [`+predictors+`]}`), false},
	} {
		before := maps.Clone(wanted)
		if got := unchanged(test.live, us, wanted); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if !slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(wanted))) || len(wanted["metadata"].(map[string]any)) != 3 {
			t.Errorf("%s: what is wanted was changed", name)
		}
	}
}
