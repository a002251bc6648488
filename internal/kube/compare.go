package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// together is how many objects are asked about at a time.
const together = 8

// Compare tells of each object how the live one differs from what Apply would make of it; results are in the order of the objects.
// Of an Engine that keeps objects Whole it asks the server, by a dry-run that changes nothing, only about those that may differ.
//
// What admission webhooks would add is not known without asking: of an object that is as we applied it, nobody asks.
//
// The error of a result is reconcile.ErrNotOurs where the object exists without our labels.
func (e *Engine) Compare(ctx context.Context, objects []render.Object) []compare.Result {
	results, slots := make([]compare.Result, len(objects)), make(chan struct{}, together)
	var group sync.WaitGroup
	for i, object := range objects {
		if known, ok := e.known(object); ok {
			results[i] = known
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			results[i] = e.ask(ctx, object)
		})
	}
	group.Wait()
	return results
}

// known compares without a request; false where only the server can tell.
func (e *Engine) known(object render.Object) (compare.Result, bool) {
	served, err := resource(object.Ref.Kind)
	if err != nil || !e.whole {
		return compare.Result{}, false
	}
	u := e.watches[served].object(object.Ref)
	switch {
	case u == nil:
		return compare.Result{}, false
	case object.Ref.Kind != render.SeldonDeployment:
		return e.made(u, object), true
	}
	return compare.Result{}, unchanged(u, e.manager, object.Body)
}

// ask compares with what the server says.
func (e *Engine) ask(ctx context.Context, object render.Object) compare.Result {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := e.dryRun(ctx, object)
	if err != nil {
		return compare.Result{Err: fmt.Errorf("diff %s: %w", object.Ref, err)}
	}
	return r
}

func (e *Engine) dryRun(ctx context.Context, object render.Object) (compare.Result, error) {
	t, err := e.target(object.Ref)
	if err != nil {
		return compare.Result{}, err
	}
	live, err := t.live(ctx)
	switch {
	case err != nil:
		return compare.Result{}, err
	case live == nil:
		return t.missing(ctx, object)
	case !e.ours(live):
		return compare.Result{}, reconcile.ErrNotOurs
	case t.ref.Kind != render.SeldonDeployment:
		return e.made(live, object), nil
	}
	after, err := t.ResourceInterface.Apply(ctx, t.ref.Name, body(object, ""), metav1.ApplyOptions{FieldManager: t.manager, Force: true, DryRun: dry()})
	if err != nil {
		return compare.Result{}, t.explain(err)
	}
	return e.applied(live, after, object), nil
}

func dry() []string { return []string{metav1.DryRunAll} }

// missing asks whether the object could be created. Without its namespace, or its kind, nothing of it can be there.
func (t target) missing(ctx context.Context, object render.Object) (compare.Result, error) {
	_, err := t.post(ctx, object, dry())
	r, explained := compare.Result{Git: object.Body}, t.explain(err)
	switch {
	case err == nil:
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		r.Note = fmt.Sprintf("namespace %s is being deleted", t.ref.Namespace)
	case errors.Is(explained, ErrNoNamespace):
		r.Note = fmt.Sprintf("namespace %s does not exist", t.ref.Namespace)
	case errors.Is(explained, ErrNotInstalled):
		r.Note = explained.Error()
	default:
		return compare.Result{}, explained
	}
	return r, nil
}

// applied compares an object with what an apply would make of it. Where its digest is that of what git asks for, git did not change;
// where somebody edited the digest nobody knows what was applied, so then that is the whole difference too.
func (e *Engine) applied(live, after *unstructured.Unstructured, object render.Object) compare.Result {
	l, a, all := bare(live), bare(after), managedFields(live)
	cause := compare.Changed
	if digest(live) == object.Digest || !wrote(all, e.manager, digestPath()) {
		cause = compare.Drift
	}
	fields := compare.Objects(l, a)
	for i := range fields {
		f := &fields[i]
		f.Cause = cause
		if w, named := writer(all, f.Path); named && !wrote(all, e.manager, f.Path) {
			f.Manager, f.Time = w.manager, w.at
		}
	}
	if len(fields) == 0 {
		return compare.Result{}
	}
	l, a = compare.Sides(l, a, object.Body)
	return compare.Result{Live: l, Git: a, Fields: fields}
}

// made compares what is created once. What somebody wrote in place of ours, or of the kind's controller, is drift; other differences
// are those of a later revision. The controller writes the whole object, with its defaults; nobody misses what git does not ask for.
func (e *Engine) made(live *unstructured.Unstructured, object render.Object) compare.Result {
	all := managedFields(live)
	r := compare.Result{}
	for _, f := range compare.Objects(bare(live), object.Body) {
		w, named := writer(all, f.Path)
		f.Cause = compare.Later
		switch {
		case named && w.manager != e.manager && !w.controls():
			f.Cause, f.Manager, f.Time = compare.Drift, w.manager, w.at
		case !named && f.Live == nil && reserved(f.Path):
			f.Cause = compare.Drift
		}
		if f.Git == nil && (f.Cause == compare.Later || !f.Path.Under("spec")) {
			continue
		}
		r.Fields = append(r.Fields, f)
	}
	return r
}

// reserved reports whether a path leads to a label or annotation that an object of ours always has.
func reserved(p compare.Path) bool {
	for _, name := range []string{render.LabelManagedBy, render.LabelRepository, render.LabelModel, render.LabelRelease} {
		if p.Under("metadata", "labels", name) {
			return true
		}
	}
	if p.Under("metadata", "annotations") && len(p) == 2 { // all of them
		return true
	}
	for _, name := range []string{render.AnnotationDigest, render.AnnotationImage, render.AnnotationAttempt} {
		if p.Under("metadata", "annotations", name) {
			return true
		}
	}
	return false
}
