package kube

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// memo remembers what was observed of objects: an informer never changes the object that it holds, it replaces it. So a pass in which
// nothing changed maps nothing.
type memo struct {
	mu  sync.Mutex
	was map[types.UID]observation
}

// observation is what was made of an object and the Deployments that belong to it.
type observation struct {
	of   *unstructured.Unstructured
	made []*unstructured.Unstructured
	plan.Observed
}

// round is one Observe: what it does not ask for is forgotten.
type round struct {
	was, now map[types.UID]observation
}

func (m *memo) begin() round {
	m.mu.Lock()
	defer m.mu.Unlock()
	return round{was: m.was, now: make(map[types.UID]observation, len(m.was))}
}

func (m *memo) end(r round) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.was = r.now
}

// observed is what observe makes of the object, or made of it before.
func (r round) observed(of *unstructured.Unstructured, made []*unstructured.Unstructured, observe func() plan.Observed) plan.Observed {
	o, found := r.was[of.GetUID()]
	if !found || o.of != of || !slices.Equal(o.made, made) {
		o = observation{of, made, observe()}
	}
	r.now[of.GetUID()] = o
	return o.Observed
}
