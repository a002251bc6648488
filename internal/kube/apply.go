package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// fieldManager is who the daemon of a repository is to server-side apply: another repository's is another one, so that two that
// want the same object meet in a conflict.
func fieldManager(owner string) string { return "trefoil-" + owner }

// target is one object in the API.
type target struct {
	dynamic.ResourceInterface
	ref     render.Ref
	served  apischema.GroupVersionResource
	manager string
}

func (e *Engine) target(ref render.Ref) (target, error) {
	served, err := resource(ref.Kind)
	return target{e.client.Resource(served).Namespace(ref.Namespace), ref, served, e.manager}, err
}

// explain says what people can do about an error of this object; nil stays nil.
func (t target) explain(err error) error {
	if err == nil {
		return nil
	}
	return explain(err, t.ref, t.served)
}

// live reads the object; nil where it is not there.
func (t target) live(ctx context.Context) (*unstructured.Unstructured, error) {
	u, err := t.Get(ctx, t.ref.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, t.explain(err)
	}
	return u, nil
}

// Apply creates the object when seen is empty, else updates the one that was seen with this resourceVersion. A Workflow is only
// ever created. Two daemons that create the same claim differ in what it says: one of them gets ErrStale.
//
// Errors beside reconcile.ErrStale and reconcile.ErrNotOurs: ErrNoNamespace, ErrNotInstalled.
func (e *Engine) Apply(ctx context.Context, object render.Object, seen string) error {
	t, err := e.target(object.Ref)
	switch {
	case err != nil:
	case seen == "":
		err = e.create(ctx, t, object)
	default:
		err = t.update(ctx, object, seen)
	}
	if err != nil {
		return fmt.Errorf("apply %s: %w", object.Ref, err)
	}
	return nil
}

// create reads first, so that an object that is there already, whoever made it, costs no write.
func (e *Engine) create(ctx context.Context, t target, object render.Object) error {
	live, err := t.live(ctx)
	if err != nil {
		return err
	}
	if live != nil {
		return e.same(live, object)
	}
	_, err = t.post(ctx, object, nil)
	if !apierrors.IsAlreadyExists(err) && !apierrors.IsConflict(err) {
		return t.explain(err)
	}
	// Somebody was faster.
	if live, err = t.live(ctx); err != nil {
		return err
	}
	if live == nil {
		return reconcile.ErrStale
	}
	return e.same(live, object)
}

// post creates the object. What is applied later is applied from the start, so that its fields have one manager. Apply would also
// change an object that appeared since we looked, or since another daemon of the repository looked; the name of a resourceVersion that
// no object has makes that a conflict.
func (t target) post(ctx context.Context, object render.Object, dryRun []string) (*unstructured.Unstructured, error) {
	if t.ref.Kind == render.SeldonDeployment {
		const none = "1"
		return t.ResourceInterface.Apply(ctx, t.ref.Name, body(object, none), metav1.ApplyOptions{FieldManager: t.manager, DryRun: dryRun})
	}
	return t.Create(ctx, body(object, ""), metav1.CreateOptions{FieldManager: t.manager, DryRun: dryRun})
}

// same is nil when the live object is the wanted one already.
func (e *Engine) same(live *unstructured.Unstructured, object render.Object) error {
	switch {
	case !e.ours(live):
		return reconcile.ErrNotOurs
	case digest(live) != object.Digest:
		return reconcile.ErrStale
	case object.Ref.Kind == render.Claim && !reflect.DeepEqual(live.Object["data"], object.Body["data"]):
		return reconcile.ErrStale
	}
	return nil
}

// update changes the object that was seen. The resourceVersion proves that it still carries our labels, as it did when it was seen.
func (t target) update(ctx context.Context, object render.Object, seen string) error {
	var err error
	switch t.ref.Kind {
	case render.SeldonDeployment:
		err = t.replace(ctx, body(object, seen))
	case render.Claim:
		_, err = t.Update(ctx, body(object, seen), metav1.UpdateOptions{FieldManager: t.manager})
	default:
		return errors.New("is created once and never updated")
	}
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: %w", reconcile.ErrStale, err)
	}
	return t.explain(err)
}

// replace applies over the live object. Apply creates what is gone, whatever resourceVersion is named; with a uid it does not.
func (t target) replace(ctx context.Context, wanted *unstructured.Unstructured) error {
	live, err := t.Get(ctx, t.ref.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	wanted.SetUID(live.GetUID())
	_, err = t.ResourceInterface.Apply(ctx, t.ref.Name, wanted, metav1.ApplyOptions{FieldManager: t.manager, Force: true})
	return err
}

// body is the object to send, with the resourceVersion that is to be replaced. The object itself stays as it is.
func body(object render.Object, seen string) *unstructured.Unstructured {
	content := maps.Clone(object.Body)
	metadata, _ := content["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	if seen != "" && metadata != nil {
		metadata["resourceVersion"] = seen
	}
	content["metadata"] = metadata
	return &unstructured.Unstructured{Object: content}
}
