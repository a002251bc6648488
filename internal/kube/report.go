package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// reportKey is where in the ConfigMap the text is.
const reportKey = "status.json"

// Report is the ConfigMap in which the daemon that leads says what it knows. It is not safe for concurrent use.
type Report struct {
	target
	labels map[string]string
	seen   string // resourceVersion that was read or written last; empty for none
}

// Report is the one of this repository. It carries no model's label: Observe does not show it, and nothing removes it.
func (e *Engine) Report() (*Report, error) {
	t, err := e.target(render.Ref{Kind: render.Claim, Namespace: e.namespace, Name: ownName(e.owner)})
	if err != nil {
		return nil, err
	}
	t.ref.Kind = "ConfigMap"
	return &Report{target: t, labels: ownLabels(e.owner)}, nil
}

// Read returns the text; empty where there is none yet. The error is reconcile.ErrNotOurs where the ConfigMap is somebody else's.
func (r *Report) Read(ctx context.Context) (string, error) {
	u, err := r.live(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", r.ref, err)
	case u == nil:
		r.seen = ""
		return "", nil
	case !labels.SelectorFromSet(r.labels).Matches(labels.Set(u.GetLabels())):
		return "", fmt.Errorf("read %s: %w", r.ref, reconcile.ErrNotOurs)
	}
	r.seen = u.GetResourceVersion()
	return text(u.Object, "data", reportKey), nil
}

// Write puts the text over the one that was read or written last. Where another is there by now the error is reconcile.ErrStale.
func (r *Report) Write(ctx context.Context, text string) error {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{reportKey: text},
	}}
	u.SetName(r.ref.Name)
	u.SetNamespace(r.ref.Namespace)
	u.SetLabels(r.labels)
	var err error
	if r.seen == "" {
		u, err = r.Create(ctx, u, metav1.CreateOptions{FieldManager: r.manager})
	} else {
		u.SetResourceVersion(r.seen)
		u, err = r.Update(ctx, u, metav1.UpdateOptions{FieldManager: r.manager})
	}
	switch {
	case err == nil:
		r.seen = u.GetResourceVersion()
		return nil
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && !aboutNamespace(err):
		err = reconcile.ErrStale
	default:
		err = r.explain(err)
	}
	return fmt.Errorf("write %s: %w", r.ref, err)
}
