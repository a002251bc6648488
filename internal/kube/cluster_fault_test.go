//go:build e2e

package kube

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// noNamespace asks as one who may do everything: the daemon may not even ask outside the Workflows' namespace.
func (s *suite) noNamespace(t *testing.T) {
	e := s.startUser(t, stack.UserAdmin, testOwner, false)
	for _, kind := range []render.Kind{render.Workflow, render.SeldonDeployment, render.Claim} {
		object := map[render.Kind]render.Object{
			render.Workflow: build("x"), render.SeldonDeployment: serving("ml", "x", image("a"), digestA), render.Claim: claiming("x", "me"),
		}[kind]
		lost := made(kind, "nowhere", "x", digestA, object.Body)
		if err := e.Apply(t.Context(), lost, ""); !errors.Is(err, ErrNoNamespace) {
			t.Errorf("%s: %v", lost.Ref, err)
		}
		if r := e.Compare(t.Context(), []render.Object{lost})[0]; !r.New() || r.Note != "namespace nowhere does not exist" {
			t.Errorf("compare %s: %+v", lost.Ref, r)
		}
	}
}

// noPermission takes the daemon's rights away and gives them back.
func (s *suite) noPermission(t *testing.T) {
	bindings := s.Kube.Resource(apischema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"})
	binding, err := bindings.Get(t.Context(), "trefoil-view", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := bindings.Delete(t.Context(), "trefoil-view", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // the authorizer watches too
	e := s.start(t)
	if live := observe(t, e); len(live.Unknown) != 2 || !strings.Contains(live.Unknown[render.Workflow], "forbidden") {
		t.Errorf("unknown: %v", live.Unknown)
	}
	binding.SetResourceVersion("")
	if _, err := bindings.Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitUnknown(t, e, 0)
}

func awaitUnknown(t *testing.T, e *Engine, kinds int) plan.Live {
	t.Helper()
	live := observe(t, e)
	for deadline := time.Now().Add(2 * time.Minute); len(live.Unknown) != kinds; live = observe(t, e) {
		if time.Now().After(deadline) {
			t.Fatalf("unknown: %v", live.Unknown)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return live
}

// noCRD takes the definition of a kind away from a running engine and gives it back.
func (s *suite) noCRD(t *testing.T) {
	definitions := s.Kube.Resource(apischema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	const name = "seldondeployments.machinelearning.seldon.io"
	definition, err := definitions.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := definitions.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	live := awaitUnknown(t, s.engine, 1)
	if why := live.Unknown[render.SeldonDeployment]; why != "CRD "+name+", version v1, is not installed" {
		t.Errorf("unknown: %v", live.Unknown)
	}
	if live.Objects[build("create").Ref] == nil {
		t.Error("Workflows are not observed any more")
	}
	object := serving("ml", "again", image("a"), digestA)
	if err := s.engine.Apply(t.Context(), object, ""); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("apply: %v", err)
	}
	if r := s.engine.Compare(t.Context(), []render.Object{object})[0]; !r.New() || r.Note != "CRD "+name+", version v1, is not installed" {
		t.Errorf("compare: %+v", r)
	}
	definition.SetResourceVersion("")
	definition.SetUID("")
	delete(definition.Object, "status")
	if _, err := definitions.Create(t.Context(), definition, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	awaitUnknown(t, s.engine, 0)
	t.Logf("known again after %.1f s", time.Since(begin).Seconds())
	s.apply(t, object, "")
	s.await(t, object.Ref, present)
}
