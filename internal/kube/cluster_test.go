//go:build e2e

package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/reconcile"
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
	t.Run("create", s.create)
	t.Run("adopt", s.adopt)
	t.Run("foreign object", s.foreign)
	t.Run("hand edit", s.handEdit)
	t.Run("rollout", s.rollout)
	t.Run("dry run", s.dryRun)
	t.Run("claim race", s.claimRace)
	t.Run("remove", s.remove)
	t.Run("no namespace", s.noNamespace)
	t.Run("no permission", s.noPermission)
	t.Run("no CRD", s.noCRD)
}

// start runs another engine of the daemon's user until the test ends.
func (s *suite) start(t *testing.T) *Engine {
	t.Helper()
	config, err := Config(s.Kubeconfig(stack.UserDaemon), "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Cluster: config, Owner: testOwner})
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
	return made(render.Workflow, stack.NamespaceWorkflows, name, digestA, map[string]any{"spec": map[string]any{
		"entrypoint": "build",
		"templates": []any{map[string]any{
			"name":      "build",
			"container": map[string]any{"image": "builder", "command": []any{"build"}},
			"outputs": map[string]any{"parameters": []any{map[string]any{
				"name": "digest", "globalName": imageDigest, "valueFrom": map[string]any{"path": "/out/digest"},
			}}},
		}},
	}})
}

// image is by digest, made of one letter.
func image(letter string) string {
	return "registry.example/mnist@sha256:" + strings.Repeat(letter, 64)
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
	data := map[string]any{"holder": holder, "expires": "2026-11-23T20:00:00Z", "run": ""}
	return made(render.Claim, stack.NamespaceWorkflows, name, digestA, map[string]any{"data": data})
}

func (s *suite) create(t *testing.T) {
	workflow, served := build("create"), serving("ml", "create", image("a"), digestA)
	s.apply(t, workflow, "")
	s.apply(t, served, "")
	s.apply(t, claiming("create", "me"), "")
	if o := s.await(t, workflow.Ref, succeeded); !strings.HasPrefix(o.Image, "sha256:") || o.Ended.IsZero() || o.Digest != digestA {
		t.Errorf("observed %+v", o)
	}
	if o := s.await(t, served.Ref, succeeded); o.Image != image("a") || o.Model != "mnist" {
		t.Errorf("observed %+v", o)
	}
	if o := s.await(t, claiming("create", "").Ref, present); o.Claim.Holder != "me" {
		t.Errorf("observed %+v", o)
	}
}

// adopt creates again what is there: no write is made.
func (s *suite) adopt(t *testing.T) {
	before, err := s.Writes(stack.UserDaemon)
	if err != nil {
		t.Fatal(err)
	}
	e := s.start(t)
	for _, object := range []render.Object{build("create"), serving("ml", "create", image("a"), digestA), claiming("create", "me")} {
		if err := e.Apply(t.Context(), object, ""); err != nil {
			t.Error(err)
		}
	}
	other := serving("ml", "create", image("b"), digestB)
	if err := e.Apply(t.Context(), other, ""); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("create over another digest: %v", err)
	}
	time.Sleep(200 * time.Millisecond) // the audit log is written after the answer
	if after, err := s.Writes(stack.UserDaemon); err != nil || len(after) != len(before) {
		t.Errorf("writes: %v, %v", after[len(before):], err)
	}
}

// foreign is about invariant I9: what does not carry our labels stays as it is.
func (s *suite) foreign(t *testing.T) {
	for _, object := range []render.Object{build("foreign"), serving("ml", "foreign", image("f"), digestA), claiming("foreign", "me")} {
		served, err := resource(object.Ref.Kind)
		if err != nil {
			t.Fatal(err)
		}
		theirs := (&unstructured.Unstructured{Object: object.Body}).DeepCopy()
		theirs.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelRepository: "other", render.LabelModel: "mnist"})
		live, err := s.Kube.Resource(served).Namespace(object.Ref.Namespace).Create(t.Context(), theirs, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.engine.Apply(t.Context(), object, ""); !errors.Is(err, reconcile.ErrNotOurs) {
			t.Errorf("apply: %v", err)
		}
		seen := s.get(t, object.Ref).GetResourceVersion()
		if err := s.engine.Remove(t.Context(), object.Ref, string(live.GetUID()), seen); !errors.Is(err, reconcile.ErrNotOurs) {
			t.Errorf("remove: %v", err)
		}
		if now := s.get(t, object.Ref); now.GetUID() != live.GetUID() || now.GetGeneration() != live.GetGeneration() {
			t.Errorf("%s was touched", object.Ref)
		}
		if observe(t, s.engine).Objects[object.Ref] != nil {
			t.Errorf("%s is observed", object.Ref)
		}
	}
	// What appears between our look and our apply is not changed either.
	object := serving("ml", "foreign", image("a"), digestA)
	target, err := s.engine.target(object.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.make(t.Context(), object, nil); !apierrors.IsConflict(err) {
		t.Errorf("apply over a stranger's object: %v", err)
	}
}

// handEdit changes an object behind the engine's back: what was planned before is stale, what is planned after puts it back.
func (s *suite) handEdit(t *testing.T) {
	object := serving("ml", "edited", image("a"), digestA)
	s.apply(t, object, "")
	before := s.await(t, object.Ref, succeeded)
	edited := s.get(t, object.Ref)
	edited.Object["spec"] = serving("ml", "edited", image("e"), digestA).Body["spec"]
	served, _ := resource(render.SeldonDeployment) // is served
	if _, err := s.Kube.Resource(served).Namespace("ml").Update(t.Context(), edited, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.Apply(t.Context(), object, before.Seen); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("apply: %v", err)
	}
	if err := s.engine.Remove(t.Context(), object.Ref, before.UID, before.Seen); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("remove: %v", err)
	}
	s.await(t, object.Ref, func(o plan.Observed) bool { return o.Image == image("e") && succeeded(o) })
	s.applySeen(t, object)
	s.await(t, object.Ref, func(o plan.Observed) bool { return o.Image == image("a") && succeeded(o) })
}

// applySeen applies over what is observed, as often as the operator is faster.
func (s *suite) applySeen(t *testing.T, object render.Object) {
	t.Helper()
	for {
		err := s.engine.Apply(t.Context(), object, s.await(t, object.Ref, present).Seen)
		if errors.Is(err, reconcile.ErrStale) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

// rollout serves a new image: it has not succeeded before all replicas run it.
func (s *suite) rollout(t *testing.T) {
	object := serving("ml", "create", image("b"), digestB)
	s.applySeen(t, object)
	s.await(t, object.Ref, func(o plan.Observed) bool {
		if o.Digest != digestB || !succeeded(o) {
			return false
		}
		for _, d := range s.deployments(t, "create") {
			if text := fmt.Sprint(d.Object["spec"]); !strings.Contains(text, image("b")) || strings.Contains(text, image("a")) {
				t.Errorf("succeeded while %s has %s", d.GetName(), text)
			}
			if n, _, _ := unstructured.NestedInt64(d.Object, "status", "updatedReplicas"); n != 2 {
				t.Errorf("succeeded with %d updated replicas", n)
			}
		}
		return true
	})
}

func (s *suite) deployments(t *testing.T, of string) []unstructured.Unstructured {
	t.Helper()
	list, err := s.Kube.Resource(deployments()).Namespace("ml").List(t.Context(), metav1.ListOptions{LabelSelector: "seldon-deployment-id=" + of})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// dryRun changes nothing and shows what would be.
func (s *suite) dryRun(t *testing.T) {
	object := serving("ml", "create", image("c"), digestA)
	before := s.get(t, object.Ref).GetResourceVersion()
	live, wanted, err := s.engine.DryRun(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fmt.Sprint(live), image("b")) || !strings.Contains(fmt.Sprint(wanted), image("c")) {
		t.Errorf("live %v\nwanted %v", live, wanted)
	}
	if now := s.get(t, object.Ref).GetResourceVersion(); now != before {
		t.Error("the object was changed")
	}
	for _, fresh := range []render.Object{serving("ml", "fresh", image("c"), digestA), build("fresh"), claiming("fresh", "me")} {
		if live, wanted, err := s.engine.DryRun(t.Context(), fresh); err != nil || live != nil || wanted == nil {
			t.Errorf("%s: live %v, wanted %v, %v", fresh.Ref, live, wanted, err)
		}
		if observe(t, s.engine).Objects[fresh.Ref] != nil {
			t.Errorf("%s was created", fresh.Ref)
		}
	}
}

// claimRace lets two engines create the same claim, then take the same claim over: exactly one of them wins (I1).
func (s *suite) claimRace(t *testing.T) {
	engines := []*Engine{s.engine, s.start(t)}
	for round := range 20 {
		name := fmt.Sprintf("race-%d", round)
		s.oneWins(t, engines, name, "")
		s.oneWins(t, engines, name, s.get(t, claiming(name, "").Ref).GetResourceVersion())
	}
}

func (s *suite) oneWins(t *testing.T, engines []*Engine, name, seen string) {
	t.Helper()
	errs := make([]error, len(engines))
	var all sync.WaitGroup
	for i, e := range engines {
		all.Go(func() {
			errs[i] = e.Apply(t.Context(), claiming(name, fmt.Sprintf("daemon-%d after %q", i, seen)), seen)
		})
	}
	all.Wait()
	var winner int
	switch {
	case errs[0] == nil && errors.Is(errs[1], reconcile.ErrStale):
		winner = 0
	case errs[1] == nil && errors.Is(errs[0], reconcile.ErrStale):
		winner = 1
	default:
		t.Fatalf("claim %s seen %q: %v and %v", name, seen, errs[0], errs[1])
	}
	want := fmt.Sprintf("daemon-%d after %q", winner, seen)
	if holder := text(s.get(t, claiming(name, "").Ref).Object, "data", "holder"); holder != want {
		t.Errorf("claim %s is held by %s, want %s", name, holder, want)
	}
}

// remove deletes a SeldonDeployment; its Deployment goes with it.
func (s *suite) remove(t *testing.T) {
	ref := serving("ml", "create", "", "").Ref
	for {
		o := s.await(t, ref, present)
		if err := s.engine.Remove(t.Context(), ref, "another", o.Seen); !errors.Is(err, reconcile.ErrStale) {
			t.Errorf("remove of another uid: %v", err)
		}
		err := s.engine.Remove(t.Context(), ref, o.UID, o.Seen)
		if err == nil {
			break
		}
		if !errors.Is(err, reconcile.ErrStale) {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); len(s.deployments(t, "create")) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("its Deployment stays")
		}
	}
	if err := s.engine.Remove(t.Context(), ref, "uid", "1"); err != nil {
		t.Errorf("remove of what is gone: %v", err)
	}
}

func (s *suite) noNamespace(t *testing.T) {
	for _, kind := range []render.Kind{render.Workflow, render.SeldonDeployment, render.Claim} {
		object := map[render.Kind]render.Object{
			render.Workflow: build("x"), render.SeldonDeployment: serving("ml", "x", image("a"), digestA), render.Claim: claiming("x", "me"),
		}[kind]
		lost := made(kind, "nowhere", "x", digestA, object.Body)
		if err := s.engine.Apply(t.Context(), lost, ""); !errors.Is(err, ErrNoNamespace) {
			t.Errorf("%s: %v", lost.Ref, err)
		}
		if _, _, err := s.engine.DryRun(t.Context(), lost); !errors.Is(err, ErrNoNamespace) {
			t.Errorf("dry run of %s: %v", lost.Ref, err)
		}
	}
}

// noPermission takes the daemon's rights away and gives them back.
func (s *suite) noPermission(t *testing.T) {
	bindings := s.Kube.Resource(apischema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"})
	binding, err := bindings.Get(t.Context(), "trefoil", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := bindings.Delete(t.Context(), "trefoil", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // the authorizer watches too
	e := s.start(t)
	if live := observe(t, e); len(live.Unknown) != 3 || !strings.Contains(live.Unknown[render.Claim], "forbidden") {
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
	if _, _, err := s.engine.DryRun(t.Context(), object); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("dry run: %v", err)
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
