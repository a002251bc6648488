package kube

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

const (
	labelBell = "trefoil.dev/bell"
	bellKey   = "rung" // how often
)

// Bell is a ConfigMap by which a daemon that waits for the lease has the one that leads look now. What it says means nothing, but for
// being another one than before. It is safe for concurrent use.
type Bell struct {
	target
	labels map[string]string
	watch  *watch
}

// Bell is the one of this repository. It carries no model's label: Observe does not show it, and nothing removes it. heard is called,
// while Listen runs, each time that somebody rang, also without need; it must not block.
func (e *Engine) Bell(heard func()) (*Bell, error) {
	t, err := e.target(render.Ref{Kind: render.Claim, Namespace: e.namespace, Name: ownName(e.owner) + "-bell"})
	if err != nil {
		return nil, err
	}
	t.ref.Kind = "ConfigMap"
	b := &Bell{target: t, labels: ownLabels(e.owner)}
	b.labels[labelBell] = "true"
	seen := view{served: t.served, namespace: e.namespace, selector: labels.SelectorFromSet(b.labels).String()}
	// What hinders is told of the claims, which are ConfigMaps too.
	b.watch, err = newWatch(e.client, seen, heard, slog.New(slog.DiscardHandler))
	return b, err
}

// Listen hears the bell until ctx ends.
func (b *Bell) Listen(ctx context.Context) { b.watch.run(ctx) }

// Ring has all who listen hear it. That somebody else rang at the same time is no error: they hear that.
func (b *Bell) Ring(ctx context.Context) error {
	live, err := b.live(ctx)
	if err == nil {
		err = b.ring(ctx, live)
	}
	if err != nil {
		return fmt.Errorf("ring %s: %w", b.ref, err)
	}
	return nil
}

func (b *Bell) ring(ctx context.Context, live *unstructured.Unstructured) error {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	u.SetName(b.ref.Name)
	u.SetNamespace(b.ref.Namespace)
	u.SetLabels(b.labels)
	var err error
	switch {
	case live == nil:
		u.Object["data"] = map[string]any{bellKey: "1"}
		_, err = b.Create(ctx, u, metav1.CreateOptions{FieldManager: b.manager})
	case !labels.SelectorFromSet(b.labels).Matches(labels.Set(live.GetLabels())):
		return reconcile.ErrNotOurs
	default:
		rung, _ := strconv.Atoi(text(live.Object, "data", bellKey)) // what is no number begins anew
		u.Object["data"] = map[string]any{bellKey: strconv.Itoa(rung + 1)}
		u.SetResourceVersion(live.GetResourceVersion())
		_, err = b.Update(ctx, u, metav1.UpdateOptions{FieldManager: b.manager})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return b.explain(err)
}
