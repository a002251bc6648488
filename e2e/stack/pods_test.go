//go:build e2e

package stack

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestPods runs the least that Argo and Seldon do, in real pods.
func TestPods(t *testing.T) {
	Isolate(t, func() {
		s := startPods(t)
		t.Run("workflow succeeds", func(t *testing.T) { podWorkflowSucceeds(t.Context(), t, s) })
	})
}

func startPods(t *testing.T) *Stack {
	t.Helper()
	s, err := StartPods(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func podWorkflowSucceeds(ctx context.Context, t *testing.T, s *Stack) {
	began := time.Now()
	apply(ctx, t, s, "pods-workflow.yaml")
	got, err := s.Kube.Await(ctx, workflows, NamespaceWorkflows, "one-step", finished)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("in %.1f s", time.Since(began).Seconds())
	outputs, _, _ := unstructured.NestedSlice(got.Object, "status", "outputs", "parameters")
	if phase := field(got, "status", "phase"); phase != "Succeeded" || len(outputs) != 1 {
		t.Fatalf("phase %q (%s), outputs %v; want Succeeded with one", phase, field(got, "status", "message"), outputs)
	}
	if value := outputs[0].(map[string]any)["value"]; value != "sha256:0123" {
		t.Errorf("the output is %v", value)
	}
}
