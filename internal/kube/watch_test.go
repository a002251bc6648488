package kube

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

const testOwner = "models"

// cluster is an API server in memory. Lists and watches of a resource in broken fail.
type cluster struct {
	*fake.FakeDynamicClient
	broken sync.Map // error by resource
	pokes  atomic.Int64
}

func newCluster(objects ...runtime.Object) *cluster {
	kinds := map[apischema.GroupVersionResource]string{deployments(): "DeploymentList", podsOfOurs(): "PodList"}
	for kind, list := range map[render.Kind]string{
		render.Workflow: "WorkflowList", render.SeldonDeployment: "SeldonDeploymentList", render.Claim: "ConfigMapList",
	} {
		served, _ := resource(kind) // all three are served
		kinds[served] = list
	}
	c := &cluster{
		FakeDynamicClient: fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, objects...),
	}
	c.PrependReactor("list", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		err := c.failure(a)
		return err != nil, nil, err
	})
	c.PrependWatchReactor("*", func(a clienttesting.Action) (bool, apiwatch.Interface, error) {
		err := c.failure(a)
		return err != nil, nil, err
	})
	return c
}

func (c *cluster) failure(a clienttesting.Action) error {
	err, _ := c.broken.Load(a.GetResource().Resource)
	failure, _ := err.(error)
	return failure
}

// run starts an engine; it ends with the test, and synctest proves that no goroutine is left.
func (c *cluster) run(t *testing.T) *Engine {
	t.Helper()
	e, err := newEngine(c, Options{Owner: testOwner, Namespace: "ml", Poke: func() { c.pokes.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return e
}

func observe(t *testing.T, e *Engine) plan.Live {
	t.Helper()
	live, err := e.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return live
}

func object(kind render.Kind, name string) *unstructured.Unstructured {
	served, _ := resource(kind) // tests ask for what is served
	names := map[render.Kind]string{render.Workflow: "Workflow", render.SeldonDeployment: "SeldonDeployment", render.Claim: "ConfigMap"}
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion(served.GroupVersion().String())
	u.SetKind(names[kind])
	u.SetNamespace("ml")
	u.SetName(name)
	u.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelRepository: testOwner, render.LabelModel: "mnist"})
	return u
}

// missing is the answer of an API server to a resource that it does not serve.
func missing(resource string) error {
	return apierrors.NewGenericServerResponse(404, "list", apischema.GroupResource{Resource: resource}, "", "404 page not found", 0, true)
}

func TestObserveOnlyOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		foreign, nobody := object(render.Workflow, "foreign"), object(render.Workflow, "nobody")
		foreign.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelRepository: "other", render.LabelModel: "mnist"})
		nobody.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelRepository: testOwner})
		e := newCluster(object(render.Workflow, "build"), foreign, nobody).run(t)
		live := observe(t, e)
		if len(live.Objects) != 1 || live.Objects[render.Ref{Kind: render.Workflow, Namespace: "ml", Name: "build"}] == nil {
			t.Errorf("observed %v", live.Objects)
		}
		if len(live.Unknown) != 0 {
			t.Errorf("unknown: %v", live.Unknown)
		}
	})
}

func TestUnknownUntilSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := newEngine(newCluster(), Options{Owner: testOwner, Namespace: "ml"})
		if err != nil {
			t.Fatal(err)
		}
		want := map[render.Kind]string{
			render.Workflow:         "the cluster has not answered yet: is it well?",
			render.SeldonDeployment: "the cluster has not answered yet: is it well?",
			render.Claim:            "the cluster has not answered yet: is it well?",
		}
		if diff := cmp.Diff(want, observe(t, e).Unknown); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("enough"))
		if _, err := e.Observe(ctx); err == nil {
			t.Error("observed although the context had ended")
		}
	})
}

func TestUnknownReasons(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	denied := apierrors.NewForbidden(apischema.GroupResource{Group: "apps", Resource: "deployments"}, "", errors.New("no role"))
	for _, test := range []struct {
		name, resource string
		err            error
		kind           render.Kind
		want           string
	}{
		{"no CRD", "workflows", missing("workflows"), render.Workflow, "CRD workflows.argoproj.io, version v1alpha1, is not installed"},
		{"refused", "configmaps", refused, render.Claim, "the cluster can't be reached: dial: connection refused"},
		{"forbidden", "deployments", denied, render.SeldonDeployment, "deployments.apps is forbidden: no role"},
		{"token", "configmaps", apierrors.NewUnauthorized("Unauthorized"), render.Claim,
			"the cluster does not accept the credentials (try: kubectl auth whoami): Unauthorized"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster()
				c.broken.Store(test.resource, test.err)
				e := c.run(t)
				if diff := cmp.Diff(map[render.Kind]string{test.kind: test.want}, observe(t, e).Unknown); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				synctest.Wait()
				before := c.pokes.Load()
				c.broken.Delete(test.resource)
				time.Sleep(time.Minute)
				synctest.Wait()
				if live := observe(t, e); len(live.Unknown) != 0 {
					t.Errorf("does not recover: %v", live.Unknown)
				}
				if c.pokes.Load() == before {
					t.Error("recovers without a poke")
				}
			})
		})
	}
}

func TestPokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(object(render.Workflow, "build"))
		e := c.run(t)
		observe(t, e)
		synctest.Wait()
		before := c.pokes.Load()
		served, _ := resource(render.Workflow) // is served
		u := object(render.Workflow, "build")
		u.Object["status"] = map[string]any{"phase": "Failed"}
		if _, err := c.Resource(served).Namespace("ml").Update(t.Context(), u, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c.pokes.Load() == before {
			t.Error("a change is no poke")
		}
		if o := observe(t, e).Objects[render.Ref{Kind: render.Workflow, Namespace: "ml", Name: "build"}]; len(o) != 1 || o[0].Phase != plan.Failed {
			t.Errorf("observed %v", o)
		}
	})
}

// TestPodsMayBeUnseen: without the right to see pods all else is known.
func TestPodsMayBeUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(object(render.SeldonDeployment, "mnist"))
		c.broken.Store("pods", error(apierrors.NewForbidden(apischema.GroupResource{Resource: "pods"}, "", errors.New("no role"))))
		live := observe(t, c.run(t))
		if len(live.Unknown) != 0 || len(live.Objects[render.Ref{Kind: render.SeldonDeployment, Namespace: "ml", Name: "mnist"}]) != 1 {
			t.Errorf("observed %v, unknown: %v", live.Objects, live.Unknown)
		}
	})
}
