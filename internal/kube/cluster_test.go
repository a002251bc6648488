//go:build e2e

package kube

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// suite is an engine in front of the real API server, with Argo and Seldon behind it.
type suite struct {
	*stack.Stack
	engine *Engine
}

// TestCluster runs the engine against a real cluster.
func TestCluster(t *testing.T) {
	ctx, cancel := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	started, err := stack.Start(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := started.Stop(t.Failed()); err != nil {
			t.Error(err)
		}
	}()
	s := &suite{Stack: started}
	s.engine = s.start(t)
	t.Run("contract", s.contract)
	t.Run("create", s.create)
	t.Run("adopt", s.adopt)
	t.Run("late", s.late)
	t.Run("foreign object", s.foreign)
	t.Run("two repositories", s.twoRepositories)
	t.Run("hand edit", s.handEdit)
	t.Run("rollout", s.rollout)
	t.Run("compare", s.compare)
	t.Run("claim race", s.claimRace)
	t.Run("report", s.report)
	t.Run("no namespace", s.noNamespace)
	t.Run("no permission", s.noPermission)
	t.Run("remove", s.remove)
	t.Run("no CRD", s.noCRD)
}

// start runs another engine of the daemon's user until the test ends.
func (s *suite) start(t *testing.T) *Engine {
	t.Helper()
	return s.startAs(t, testOwner)
}

func (s *suite) startAs(t *testing.T, owner string) *Engine {
	t.Helper()
	return s.startUser(t, stack.UserDaemon, owner, false)
}

func (s *suite) startUser(t *testing.T, user, owner string, whole bool) *Engine {
	t.Helper()
	config, err := Config(s.Kubeconfig(user), "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Cluster: config, Owner: owner, Namespace: stack.NamespaceWorkflows, Whole: whole})
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

// await observes until done holds of the object.
func (s *suite) await(t *testing.T, ref render.Ref, done func(plan.Observed) bool) plan.Observed {
	t.Helper()
	var last []plan.Observed
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if last = observe(t, s.engine).Objects[ref]; len(last) == 1 && done(last[0]) {
			return last[0]
		}
	}
	t.Fatalf("%s is still %+v", ref, last)
	return plan.Observed{}
}

func (s *suite) get(t *testing.T, ref render.Ref) *unstructured.Unstructured {
	t.Helper()
	served, err := resource(ref.Kind)
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.Kube.Resource(served).Namespace(ref.Namespace).Get(t.Context(), ref.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (s *suite) apply(t *testing.T, object render.Object, seen string) {
	t.Helper()
	if err := s.engine.Apply(t.Context(), object, seen); err != nil {
		t.Fatal(err)
	}
}

func succeeded(o plan.Observed) bool { return o.Phase == plan.Succeeded }

func present(plan.Observed) bool { return true }

// made is an object as rendering makes it.
func made(kind render.Kind, namespace, name string, digest schema.Digest, content map[string]any) render.Object {
	u := object(kind, name)
	u.SetNamespace(namespace)
	u.SetAnnotations(map[string]string{render.AnnotationDigest: string(digest)})
	for _, field := range []string{"spec", "data"} {
		if value, ok := content[field]; ok {
			u.Object[field] = value
		}
	}
	return render.Object{Ref: render.Ref{Kind: kind, Namespace: namespace, Name: name}, Model: "mnist", Digest: digest, Body: u.Object}
}

func build(name string) render.Object {
	o := made(render.Workflow, stack.NamespaceWorkflows, name, digestA, map[string]any{"spec": map[string]any{
		"entrypoint": "build",
		"templates": []any{map[string]any{
			"name":      "build",
			"container": map[string]any{"image": "builder", "command": []any{"build"}},
			"outputs": map[string]any{"parameters": []any{map[string]any{
				"name": "digest", "globalName": render.OutputDigest, "valueFrom": map[string]any{"path": "/out/digest"},
			}}},
		}},
	}})
	(&unstructured.Unstructured{Object: o.Body}).SetAnnotations(map[string]string{
		render.AnnotationDigest: string(digestA), render.AnnotationImage: repository,
	})
	return o
}

// repository is what the fixtures push to and serve from.
const repository = "registry.example/mnist"

// image is by digest, made of one letter.
func image(letter string) string {
	return repository + "@sha256:" + strings.Repeat(letter, 64)
}

// serving asks for an image. The labels of the predictor become those of its Deployment: by them that is watched.
func serving(namespace, name, image string, digest schema.Digest) render.Object {
	labels := map[string]any{render.LabelRepository: testOwner, render.LabelModel: "mnist"}
	return made(render.SeldonDeployment, namespace, name, digest, map[string]any{"spec": map[string]any{"predictors": []any{map[string]any{
		"name":     "main",
		"labels":   labels,
		"replicas": int64(2),
		"graph":    map[string]any{"name": "model", "type": "MODEL"},
		"componentSpecs": []any{map[string]any{"spec": map[string]any{"containers": []any{
			map[string]any{"name": "model", "image": image},
		}}}},
	}}}})
}

func claiming(name, holder string) render.Object {
	data := map[string]any{"holder": holder, "expires": "2026-11-23T20:00:00Z", "run": "", "experiments": "2"}
	return made(render.Claim, stack.NamespaceWorkflows, name, digestA, map[string]any{"data": data})
}
