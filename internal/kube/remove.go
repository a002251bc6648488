package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// Remove deletes the object if it is still the one that was seen and still ours; what it owns goes in the background.
// One that is gone already is no error.
func (e *Engine) Remove(ctx context.Context, ref render.Ref, uid, seen string) error {
	t, err := e.target(ref)
	if err == nil {
		err = e.remove(ctx, t, types.UID(uid), seen)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", ref, err)
	}
	return nil
}

func (e *Engine) remove(ctx context.Context, t target, uid types.UID, seen string) error {
	live, err := t.live(ctx)
	switch {
	case err != nil:
		return err
	case live == nil:
		return nil
	case !e.ours(live):
		return reconcile.ErrNotOurs
	case live.GetUID() != uid || live.GetResourceVersion() != seen:
		return reconcile.ErrStale
	}
	background := metav1.DeletePropagationBackground
	err = t.Delete(ctx, t.ref.Name, metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: &uid, ResourceVersion: &seen},
		PropagationPolicy: &background,
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsConflict(err):
		return fmt.Errorf("%w: %w", reconcile.ErrStale, err)
	}
	return t.explain(err)
}
