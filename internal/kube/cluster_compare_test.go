//go:build e2e

package kube

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/render"
)

// compare lets people do things to an object of ours. Whenever an engine that keeps objects whole asks nobody, a dry-run on the real
// server changes nothing; and what differs is told with who did it.
func (s *suite) compare(t *testing.T) {
	e := s.startUser(t, stack.UserDaemon, testOwner, true)
	container := "/spec/predictors/0/componentSpecs/0/spec/containers/0"
	for i, test := range []struct {
		name  string
		kind  types.PatchType
		patch string
		want  string // a line for each difference; # is the time
		asks  bool
	}{
		{"nothing", types.JSONPatchType, `[]`, "", false},
		{"beside ours", types.MergePatchType, `{"metadata": {"annotations": {"note": "x"}, "labels": {"y": "z"}}, "spec": {"annotations": {"a": "b"}}}`, "", false},
		{"replicas", types.JSONPatchType, `[{"op": "replace", "path": "/spec/predictors/0/replicas", "value": 7}]`,
			"drift spec.predictors[main].replicas: 7 -> 2 (tester, #)\n", true},
		{"and back", types.JSONPatchType, `[{"op": "replace", "path": "/spec/predictors/0/replicas", "value": 2}]`, "", true},
		{"one more field", types.JSONPatchType, `[{"op": "add", "path": "` + container + `/imagePullPolicy", "value": "Always"}]`,
			"drift spec.predictors[main].componentSpecs[0].spec.containers[model].imagePullPolicy: Always -> <nil> (tester, #)\n", true},
		{"one label less", types.JSONPatchType, `[{"op": "remove", "path": "/metadata/labels/trefoil.dev~1release"}]`,
			"drift metadata.labels[trefoil.dev/release]: <nil> -> 1\n", true},
		{"the protocol", types.MergePatchType, `{"spec": {"protocol": "tensorflow"}}`, "drift spec.protocol: tensorflow -> seldon (tester, #)\n", true},
		{"the digest", types.MergePatchType, `{"metadata": {"annotations": {"trefoil.dev/digest": "x"}}}`,
			"drift metadata.annotations[trefoil.dev/digest]: x -> " + string(digestA) + " (tester, #)\n", true},
		{"a default", types.JSONPatchType, `[{"op": "add", "path": "` + container + `/ports/0/name", "value": "a"}]`,
			"drift spec.predictors[main].componentSpecs[0].spec.containers[model].ports[0].name: a -> <nil> (tester, #)\n", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := portly(fmt.Sprintf("compare-%d", i))
			s.apply(t, object, "")
			served, _ := resource(render.SeldonDeployment) // is served
			edited, err := s.Kube.Resource(served).Namespace("ml").Patch(t.Context(), object.Ref.Name, test.kind, []byte(test.patch),
				metav1.PatchOptions{FieldManager: "tester"})
			if err != nil {
				t.Fatal(err)
			}
			awaitWhole(t, e, edited)
			r, known := e.known(object)
			asked := e.ask(t.Context(), object)
			if known && (len(r.Fields) > 0 || asked.Err != nil || len(asked.Fields) > 0) {
				t.Errorf("nobody was asked, and a dry-run says\n%s", described(asked))
			}
			if !known != test.asks && test.name != "nothing" && test.name != "beside ours" { // those have a default in a list of ours
				t.Errorf("the server is asked: %t", !known)
			}
			if got := timeless(asked); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
	s.unasked(t, e)
}

// unasked compares what is as rendering makes it, after the controllers have written: no request is sent.
func (s *suite) unasked(t *testing.T, e *Engine) {
	for _, object := range []render.Object{build("compared"), serving("ml", "compared", image("a"), digestA)} {
		s.apply(t, object, "")
		s.await(t, object.Ref, succeeded)
		awaitWhole(t, e, s.get(t, object.Ref))
		if r, known := e.known(object); !known || r.New() || len(r.Fields) > 0 {
			t.Errorf("%s: known %t\n%s", object.Ref, known, described(r))
		}
		if r := e.ask(t.Context(), object); r.Err != nil || r.New() || len(r.Fields) > 0 {
			t.Errorf("%s: a dry-run says\n%s%v", object.Ref, described(r), r.Err)
		}
	}
}

// portly has a port, of which the API server fills the protocol in.
func portly(name string) render.Object {
	o := serving("ml", name, image("a"), digestA)
	u := &unstructured.Unstructured{Object: o.Body}
	labels := u.GetLabels()
	labels[render.LabelRelease] = "1"
	u.SetLabels(labels)
	_ = unstructured.SetNestedField(u.Object, "seldon", "spec", "protocol") // there is a spec
	for _, p := range items(u.Object, "spec", "predictors") {
		for _, c := range items(p, "componentSpecs") {
			items(c, "spec", "containers")[0]["ports"] = []any{map[string]any{"containerPort": int64(9999)}}
		}
	}
	return o
}

// awaitWhole waits until the engine has the object as it is now, or later.
func awaitWhole(t *testing.T, e *Engine, u *unstructured.Unstructured) {
	t.Helper()
	ref := render.Ref{Kind: render.Kind(u.GetKind()), Namespace: u.GetNamespace(), Name: u.GetName()}
	served, _ := resource(ref.Kind) // is served
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if held := e.watches[served].object(ref); held != nil && held.GetGeneration() >= u.GetGeneration() && covers(held, u) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: the engine does not have it", ref)
		}
	}
}

// covers reports whether one object has what was written of the other one's metadata.
func covers(held, u *unstructured.Unstructured) bool {
	return len(compare.Objects(map[string]any{"m": held.Object["metadata"].(map[string]any)["labels"], "a": held.Object["metadata"].(map[string]any)["annotations"]},
		map[string]any{"m": u.Object["metadata"].(map[string]any)["labels"], "a": u.Object["metadata"].(map[string]any)["annotations"]})) == 0
}

// timeless is a result as text without times.
func timeless(r compare.Result) string {
	var b strings.Builder
	if r.Err != nil {
		fmt.Fprintln(&b, "error", r.Err)
	}
	for line := range strings.Lines(described(r)) {
		if before, _, found := strings.Cut(line, "(tester, "); found {
			line = before + "(tester, #)\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
