//go:build e2e

package kube

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// report has two daemons write the status: who has not seen what the other wrote changes nothing. It is no claim (I9).
func (s *suite) report(t *testing.T) {
	first, second := s.reporting(t), s.reporting(t)
	for _, r := range []*Report{first, second} {
		if text, err := r.Read(t.Context()); text != "" || err != nil {
			t.Fatalf("read %q, %v", text, err)
		}
	}
	steps := []struct {
		by   *Report
		text string
		want error
	}{{first, "a", nil}, {first, "b", nil}, {second, "c", reconcile.ErrStale}, {first, "d", nil}}
	for _, step := range steps {
		if err := step.by.Write(t.Context(), step.text); !errors.Is(err, step.want) {
			t.Errorf("write %s: %v", step.text, err)
		}
	}
	if text, err := second.Read(t.Context()); text != "d" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if err := second.Write(t.Context(), "e"); err != nil {
		t.Error(err)
	}
	for ref := range observe(t, s.engine).Objects {
		if ref.Name == ownName(testOwner) {
			t.Errorf("it is observed as %s", ref)
		}
	}
	s.foreignReport(t, second)
}

func (s *suite) reporting(t *testing.T) *Report {
	t.Helper()
	r, err := s.engine.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// foreignReport takes our label off, then the ConfigMap away.
func (s *suite) foreignReport(t *testing.T, r *Report) {
	served, _ := resource(render.Claim) // is served
	maps := s.Kube.Resource(served).Namespace(stack.NamespaceWorkflows)
	u, err := maps.Get(t.Context(), ownName(testOwner), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u.SetLabels(nil)
	if _, err := maps.Update(t.Context(), u, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(t.Context()); !errors.Is(err, reconcile.ErrNotOurs) {
		t.Errorf("read of a stranger's: %v", err)
	}
	if err := r.Write(t.Context(), "f"); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("write over a stranger's: %v", err)
	}
	if err := maps.Delete(t.Context(), u.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(t.Context(), "g"); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("write over what is gone: %v", err)
	}
	if text, err := r.Read(t.Context()); text != "" || err != nil {
		t.Errorf("read of what is gone: %q, %v", text, err)
	}
	if err := r.Write(t.Context(), "h"); err != nil {
		t.Error(err)
	}
}
