package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/trefoil-gitops/trefoil/render"
)

// watch keeps the objects of one resource that carry our labels, and knows whether it may be believed.
type watch struct {
	served   apischema.GroupVersionResource
	informer cache.SharedIndexInformer
	poke     func()
	log      *slog.Logger

	settled chan struct{} // closed once the first list has ended or failed
	settle  func()

	mu    sync.Mutex
	fault error // of the last list or watch; nil once a watch is established
}

// view is what a watch sees, and how much of it is kept.
type view struct {
	served    apischema.GroupVersionResource
	namespace string // empty for all
	selector  string
	indexers  cache.Indexers // beside the cache's own
	slim      cache.TransformFunc
}

// newWatch prepares a watch; it starts with run.
func newWatch(client dynamic.Interface, v view, poke func(), log *slog.Logger) (*watch, error) {
	w, served := &watch{served: v.served, poke: poke, log: log, settled: make(chan struct{})}, v.served
	w.settle = sync.OnceFunc(func() { close(w.settled) })
	w.informer = cache.NewSharedIndexInformer(w.source(client, v), &unstructured.Unstructured{}, 0, v.indexers)
	if err := w.informer.SetTransform(v.slim); err != nil {
		return nil, fmt.Errorf("watch %s: %w", served.GroupResource(), err)
	}
	// client-go's own handler writes each attempt to the log; what matters was recorded by the source.
	if err := w.informer.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}); err != nil {
		return nil, fmt.Errorf("watch %s: %w", served.GroupResource(), err)
	}
	_, err := w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { poke() },
		UpdateFunc: func(any, any) { poke() },
		DeleteFunc: func(any) { poke() },
	})
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", served.GroupResource(), err)
	}
	return w, nil
}

// source lists and watches, and takes down how that went: the informer itself retries for ever and tells nobody.
func (w *watch) source(client dynamic.Interface, v view) cache.ListerWatcher {
	all := client.Resource(v.served).Namespace(v.namespace)
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = v.selector
			list, err := all.List(ctx, options)
			if err != nil {
				w.record(ctx, err)
				return nil, err
			}
			return list, nil
		},
		// Only an established watch clears the fault: a list alone, without the right to watch, would be a picture that never moves.
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (apiwatch.Interface, error) {
			options.LabelSelector = v.selector
			events, err := all.Watch(ctx, options)
			w.record(ctx, err)
			return events, err
		},
	}, client)
}

// record takes down the outcome of a list or a watch. What every long watch meets now and then is no fault.
func (w *watch) record(ctx context.Context, err error) {
	if ctx.Err() != nil || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) {
		return
	}
	if err != nil {
		err = reason(err, w.served)
	}
	w.mu.Lock()
	changed := (err == nil) != (w.fault == nil)
	w.fault = err
	w.mu.Unlock()
	if err != nil {
		w.settle()
	}
	if !changed {
		return
	}
	if err != nil {
		w.log.Warn("cannot watch", "resource", w.served.GroupResource().String(), "error", err)
	} else {
		w.log.Info("watches again", "resource", w.served.GroupResource().String())
	}
	w.poke()
}

// run keeps the objects until the context ends; then all its goroutines have ended too.
func (w *watch) run(ctx context.Context) {
	var synced sync.WaitGroup
	synced.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), w.informer.HasSynced) {
			w.settle()
			w.poke()
		}
	})
	w.informer.RunWithContext(ctx)
	synced.Wait()
}

// unknown says why the objects are not to be believed; empty when they are.
func (w *watch) unknown() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.fault != nil:
		return w.fault.Error()
	case !w.informer.HasSynced():
		return "the cluster has not answered yet: is it well?"
	}
	return ""
}

// absent reports whether the cluster has no such resource, and so no object of it.
func (w *watch) absent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Is(w.fault, ErrNotInstalled)
}

// objects are in no order. They are shared: read only.
func (w *watch) objects() []*unstructured.Unstructured { return typed(w.informer.GetStore().List()) }

// object is the one of the name, shared as those are; nil for none.
func (w *watch) object(ref render.Ref) *unstructured.Unstructured {
	found, _, _ := w.informer.GetStore().GetByKey(ref.Namespace + "/" + ref.Name) // a store in memory does not fail
	u, _ := found.(*unstructured.Unstructured)
	return u
}

// indexed are the objects that an indexer put under the key.
func (w *watch) indexed(index, key string) ([]*unstructured.Unstructured, error) {
	found, err := w.informer.GetIndexer().ByIndex(index, key)
	return typed(found), err
}

func typed(objects []any) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, o := range objects {
		if u, ok := o.(*unstructured.Unstructured); ok {
			all = append(all, u)
		}
	}
	return all
}
