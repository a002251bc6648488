package kube

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// TestBell: each ring is heard, also over what somebody wrote into it, and it is no object of the repository (I9).
func TestBell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		e := c.run(t)
		var heard atomic.Int64
		b, err := e.Bell(func() { heard.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		t.Cleanup(func() { <-done })
		go func() {
			defer close(done)
			b.Listen(t.Context())
		}()
		synctest.Wait()
		for round, spoil := range []string{"", "", "x", ""} {
			if spoil != "" {
				u, err := b.live(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				_ = unstructured.SetNestedField(u.Object, spoil, "data", bellKey) // data is there
				if _, err := b.Update(t.Context(), u, metav1.UpdateOptions{}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			before := heard.Load()
			if err := b.Ring(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if heard.Load() == before {
				t.Errorf("ring %d is not heard", round)
			}
		}
		if u, err := b.live(t.Context()); err != nil || e.ours(u) {
			t.Errorf("I9: it is taken for an object of a model (%v)", err)
		}
	})
}

// TestBellOfOthers: a ConfigMap of that name without our labels is left as it is.
func TestBellOfOthers(t *testing.T) {
	other := object(render.Claim, ownName(testOwner)+"-bell")
	other.SetLabels(nil)
	c := newCluster(other)
	e, err := newEngine(c, Options{Owner: testOwner, Namespace: "ml"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Bell(func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ring(t.Context()); !errors.Is(err, reconcile.ErrNotOurs) {
		t.Errorf("the error is %v", err)
	}
}
