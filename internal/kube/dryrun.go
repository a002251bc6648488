package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// DryRun asks the server what Apply would make of the live object, defaults and all, without changing it. Both answers lack what
// the server alone writes. live is nil where there is none yet. A create-only object that is there with the wanted digest is what
// it should be.
//
// Errors: ErrNoNamespace, ErrNotInstalled, and reconcile.ErrNotOurs together with the live object.
func (e *Engine) DryRun(ctx context.Context, object render.Object) (live, wanted map[string]any, err error) {
	t, err := e.target(object.Ref)
	if err != nil {
		return nil, nil, fmt.Errorf("diff %s: %w", object.Ref, err)
	}
	found, err := t.live(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("diff %s: %w", object.Ref, err)
	}
	if found != nil && !e.ours(found) {
		return bare(found), nil, fmt.Errorf("diff %s: %w", object.Ref, reconcile.ErrNotOurs)
	}
	after, err := t.dryRun(ctx, object, found)
	if err != nil {
		return bare(found), nil, fmt.Errorf("diff %s: %w", object.Ref, err)
	}
	return bare(found), bare(after), nil
}

// dryRun is what the server would store.
func (t target) dryRun(ctx context.Context, object render.Object, found *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	all := []string{metav1.DryRunAll}
	switch {
	case found == nil:
		after, err := t.post(ctx, object, all)
		return after, t.explain(err)
	case t.ref.Kind == render.SeldonDeployment:
		options := metav1.ApplyOptions{FieldManager: t.manager, Force: true, DryRun: all}
		after, err := t.ResourceInterface.Apply(ctx, t.ref.Name, body(object, ""), options)
		return after, t.explain(err)
	case digest(found) == object.Digest:
		return found, nil
	}
	return body(object, ""), nil
}

// bare is the object without what only the server writes; nil stays nil.
func bare(u *unstructured.Unstructured) map[string]any {
	if u == nil {
		return nil
	}
	u = u.DeepCopy()
	delete(u.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	return u.Object
}
