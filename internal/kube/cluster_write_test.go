//go:build e2e

package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

func (s *suite) create(t *testing.T) {
	workflow, served := build("create"), serving("ml", "create", image("a"), digestA)
	s.apply(t, workflow, "")
	s.apply(t, served, "")
	s.apply(t, claiming("create", "me"), "")
	if o := s.await(t, workflow.Ref, succeeded); !strings.HasPrefix(o.Image, repository+"@sha256:") || o.Ended.IsZero() || o.Digest != digestA {
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
	after, err := s.Writes(stack.UserDaemon)
	if err != nil || len(after) != len(before) {
		t.Errorf("%d writes before, %d after: %v", len(before), len(after), err)
	}
}

// late has a create arrive that looked before another daemon of the repository made the object: it is refused, and changes nothing.
func (s *suite) late(t *testing.T) {
	target, err := s.start(t).target(serving("ml", "create", image("a"), digestA).Ref)
	if err != nil {
		t.Fatal(err)
	}
	before := s.get(t, target.ref)
	for _, object := range []render.Object{serving("ml", "create", image("b"), digestB), serving("ml", "create", image("a"), digestA)} {
		if _, err := target.post(t.Context(), object, nil); !apierrors.IsConflict(err) {
			t.Errorf("a late create: %v", err)
		}
	}
	if now := s.get(t, target.ref); now.GetResourceVersion() != before.GetResourceVersion() {
		t.Errorf("it was changed from %v to %v", before.Object, now.Object)
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
		if now := s.get(t, object.Ref); now.GetUID() != live.GetUID() || slices.ContainsFunc(now.GetManagedFields(), byUs) {
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
	if _, err := target.post(t.Context(), object, nil); !apierrors.IsConflict(err) {
		t.Errorf("apply over a stranger's object: %v", err)
	}
}

func byUs(e metav1.ManagedFieldsEntry) bool { return e.Manager == fieldManager(testOwner) }

// twoRepositories has the daemons of two repositories want one object that neither has seen: the second changes nothing (I9).
func (s *suite) twoRepositories(t *testing.T) {
	first, second := serving("ml", "wanted-twice", image("a"), digestA), serving("ml", "wanted-twice", image("b"), digestB)
	for _, daemon := range []struct {
		engine *Engine
		object render.Object
		loses  bool
	}{{s.engine, first, false}, {s.startAs(t, "other"), second, true}} {
		target, err := daemon.engine.target(daemon.object.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := target.post(t.Context(), daemon.object, nil); apierrors.IsConflict(err) != daemon.loses || !daemon.loses && err != nil {
			t.Errorf("apply for %s: %v", daemon.engine.manager, err)
		}
	}
	if now := s.get(t, first.Ref); digest(now) != digestA {
		t.Errorf("the object is now that of digest %s", digest(now))
	}
}

// handEdit changes an object behind the engine's back: what was planned before is stale, what is planned after puts it back.
func (s *suite) handEdit(t *testing.T) {
	const predictors = "/spec/predictors"
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
	s.await(t, object.Ref, func(o plan.Observed) bool {
		return o.Image == image("e") && !slices.Contains(o.Owned, predictors) && succeeded(o)
	})
	s.applySeen(t, object)
	s.await(t, object.Ref, func(o plan.Observed) bool {
		return o.Image == image("a") && slices.Contains(o.Owned, predictors) && succeeded(o)
	})
	// What people add beside it is no drift: putting it back would never end.
	patch := []byte(`{"metadata": {"annotations": {"note": "x"}}, "spec": {"annotations": {"note": "x"}}}`)
	if _, err := s.Kube.Resource(served).Namespace("ml").Patch(t.Context(), "edited", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if o := s.await(t, object.Ref, succeeded); o.Digest != digestA || !slices.Equal(o.Owned, render.Leaves(object.Body)) {
		t.Errorf("observed %+v", o)
	}
}

// applySeen applies over what is observed, as often as the operator is faster.
func (s *suite) applySeen(t *testing.T, object render.Object) {
	t.Helper()
	for {
		err := s.engine.Apply(t.Context(), object, s.await(t, object.Ref, present).Seen)
		if err == nil {
			return
		}
		if !errors.Is(err, reconcile.ErrStale) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
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
		time.Sleep(50 * time.Millisecond)
	}
	// The garbage collector looks for new kinds twice a minute: soon after the cluster's start it knows none of ours.
	for deadline := time.Now().Add(90 * time.Second); len(s.deployments(t, "create")) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("its Deployment stays")
		}
	}
	if err := s.engine.Remove(t.Context(), ref, "uid", "1"); err != nil {
		t.Errorf("remove of what is gone: %v", err)
	}
}
