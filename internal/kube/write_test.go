package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

var (
	digestA = schema.Digest("v1-" + strings.Repeat("a", 64))
	digestB = schema.Digest("v1-" + strings.Repeat("b", 64))
)

// wantedObject is one that the engine is told to make.
func wantedObject(kind render.Kind, holder string) render.Object {
	u := object(kind, "mnist")
	u.SetAnnotations(map[string]string{render.AnnotationDigest: string(digestA)})
	if kind == render.Claim {
		u.Object["data"] = map[string]any{"holder": holder}
	}
	return render.Object{
		Ref: render.Ref{Kind: kind, Namespace: "ml", Name: "mnist"}, Model: "mnist", Digest: digestA, Body: u.Object,
	}
}

// liveObject is one that the server has, with uid u and resourceVersion 7.
func liveObject(kind render.Kind, digest schema.Digest, owner, holder string) map[string]any {
	u := object(kind, "mnist")
	u.SetUID("u")
	u.SetResourceVersion("7")
	u.SetAnnotations(map[string]string{render.AnnotationDigest: string(digest)})
	u.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelRepository: owner, render.LabelModel: "mnist"})
	u.Object["data"] = map[string]any{"holder": holder}
	return u.Object
}

var group = apischema.GroupResource{Group: "machinelearning.seldon.io", Resource: "seldondeployments"}

// Answers of an API server.
var (
	absent      = apierrors.NewNotFound(group, "mnist")
	noNamespace = apierrors.NewNotFound(apischema.GroupResource{Resource: "namespaces"}, "ml")
	conflict    = apierrors.NewConflict(group, "mnist", errors.New("the object has been modified"))
	exists      = apierrors.NewAlreadyExists(group, "mnist")
	denied      = apierrors.NewForbidden(group, "mnist", errors.New("no role"))
)

const noResource = "404 page not found\n"

func terminating() error {
	err := apierrors.NewForbidden(group, "mnist", errors.New("being terminated"))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	return err
}

// script is an API server that gives its answers in order and takes down what was asked.
type script struct {
	t       *testing.T
	answers []any
	asked   []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.asked = append(s.asked, summary(r, body))
	if len(s.answers) == 0 {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	if text, ok := answer.(string); ok {
		http.Error(w, text, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if status, ok := answer.(apierrors.APIStatus); ok {
		failure := status.Status()
		failure.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
		w.WriteHeader(int(failure.Code))
		answer = failure
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.t.Error(err)
	}
}

// summary is what matters of a request: method, fuses, and the state that it may change.
func summary(r *http.Request, body []byte) string {
	var sent struct {
		Metadata          struct{ UID, ResourceVersion string }
		Preconditions     struct{ UID, ResourceVersion string }
		PropagationPolicy string
	}
	_ = json.Unmarshal(body, &sent) // a GET has none
	all := []string{r.Method}
	for _, name := range []string{"fieldManager", "force", "dryRun"} {
		if value := r.URL.Query().Get(name); value != "" {
			all = append(all, name+"="+value)
		}
	}
	if sent.Metadata.UID != "" {
		all = append(all, sent.Metadata.UID)
	}
	if sent.Metadata.ResourceVersion != "" {
		all = append(all, "at "+sent.Metadata.ResourceVersion)
	}
	if r.Method == http.MethodDelete {
		all = append(all, fmt.Sprintf("%s at %s, %s", sent.Preconditions.UID, sent.Preconditions.ResourceVersion, sent.PropagationPolicy))
	}
	return strings.Join(all, " ")
}

// scripted is an engine in front of a server that gives these answers.
func scripted(t *testing.T, answers ...any) (*Engine, *script) {
	t.Helper()
	s := &script{t: t, answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	e, err := New(Options{Cluster: &rest.Config{Host: server.URL}, Owner: testOwner, Namespace: "ml"})
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

func TestApply(t *testing.T) {
	const (
		post   = "POST fieldManager=trefoil-models"
		create = "PATCH fieldManager=trefoil-models force=false at 1"
		change = "PATCH fieldManager=trefoil-models force=true u at 7"
		put    = "PUT fieldManager=trefoil-models at 7"
	)
	sdep := func(d schema.Digest) map[string]any { return liveObject(render.SeldonDeployment, d, testOwner, "") }
	held := func(holder string) map[string]any { return liveObject(render.Claim, digestA, testOwner, holder) }
	foreign := liveObject(render.SeldonDeployment, digestA, "other", "")
	for _, test := range []struct {
		name    string
		kind    render.Kind
		seen    string
		answers []any
		asked   []string
		want    error
	}{
		{"create a Workflow", render.Workflow, "", []any{absent, sdep(digestA)}, []string{"GET", post}, nil},
		{"create a SeldonDeployment", render.SeldonDeployment, "", []any{absent, sdep(digestA)}, []string{"GET", create}, nil},
		{"create a claim", render.Claim, "", []any{absent, held("me")}, []string{"GET", post}, nil},
		{"is there", render.SeldonDeployment, "", []any{sdep(digestA)}, []string{"GET"}, nil},
		{"is there, another digest", render.SeldonDeployment, "", []any{sdep(digestB)}, []string{"GET"}, reconcile.ErrStale},
		{"is there, a garbled digest", render.SeldonDeployment, "", []any{sdep("x")}, []string{"GET"}, reconcile.ErrStale},
		{"is there, not ours", render.SeldonDeployment, "", []any{foreign}, []string{"GET"}, reconcile.ErrNotOurs},
		{"somebody was faster", render.Workflow, "", []any{absent, exists, sdep(digestA)}, []string{"GET", post, "GET"}, nil},
		{"a stranger was faster", render.SeldonDeployment, "", []any{absent, conflict, foreign}, []string{"GET", create, "GET"}, reconcile.ErrNotOurs},
		{"came and went", render.Workflow, "", []any{absent, exists, absent}, []string{"GET", post, "GET"}, reconcile.ErrStale},
		{"my claim", render.Claim, "", []any{held("me")}, []string{"GET"}, nil},
		{"another's claim", render.Claim, "", []any{held("you")}, []string{"GET"}, reconcile.ErrStale},
		{"another claimed faster", render.Claim, "", []any{absent, exists, held("you")}, []string{"GET", post, "GET"}, reconcile.ErrStale},
		{"no namespace", render.Workflow, "", []any{absent, noNamespace}, []string{"GET", post}, ErrNoNamespace},
		{"namespace goes", render.Workflow, "", []any{absent, terminating()}, []string{"GET", post}, ErrNoNamespace},
		{"no CRD", render.SeldonDeployment, "", []any{noResource, noResource}, []string{"GET", create}, ErrNotInstalled},
		{"update", render.SeldonDeployment, "7", []any{sdep(digestB), sdep(digestA)}, []string{"GET", change}, nil},
		{"update what changed", render.SeldonDeployment, "7", []any{sdep(digestB), conflict}, []string{"GET", change}, reconcile.ErrStale},
		{"update what went", render.SeldonDeployment, "7", []any{absent}, []string{"GET"}, reconcile.ErrStale},
		{"take a claim over", render.Claim, "7", []any{held("me")}, []string{put}, nil},
		{"another took it over", render.Claim, "7", []any{conflict}, []string{put}, reconcile.ErrStale},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, s := scripted(t, test.answers...)
			wanted := wantedObject(test.kind, "me")
			err := e.Apply(t.Context(), wanted, test.seen)
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if diff := cmp.Diff(test.asked, s.asked); diff != "" {
				t.Errorf("-want +asked:\n%s", diff)
			}
			if diff := cmp.Diff(wantedObject(test.kind, "me"), wanted); diff != "" {
				t.Errorf("the object was changed: %s", diff)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	e, s := scripted(t)
	if err := e.Apply(t.Context(), wantedObject(render.Workflow, ""), "7"); err == nil {
		t.Error("updates a Workflow")
	}
	if err := e.Apply(t.Context(), render.Object{Ref: render.Ref{Kind: render.Search, Name: "mnist"}}, ""); err == nil {
		t.Error("creates a Search")
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %v", s.asked)
	}
}

// TestRemove is about invariant I9: only what is ours, and only in the state that was seen, is deleted.
func TestRemove(t *testing.T) {
	const remove = "DELETE u at 7, Background"
	mine := liveObject(render.Workflow, digestA, testOwner, "")
	for _, test := range []struct {
		name    string
		uid     string
		seen    string
		answers []any
		asked   []string
		want    error
	}{
		{"ours", "u", "7", []any{mine, mine}, []string{"GET", remove}, nil},
		{"gone", "u", "7", []any{absent}, []string{"GET"}, nil},
		{"gone meanwhile", "u", "7", []any{mine, absent}, []string{"GET", remove}, nil},
		{"not ours", "u", "7", []any{liveObject(render.Workflow, digestA, "other", "")}, []string{"GET"}, reconcile.ErrNotOurs},
		{"another of the name", "v", "7", []any{mine}, []string{"GET"}, reconcile.ErrStale},
		{"changed", "u", "6", []any{mine}, []string{"GET"}, reconcile.ErrStale},
		{"changed meanwhile", "u", "7", []any{mine, conflict}, []string{"GET", remove}, reconcile.ErrStale},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, s := scripted(t, test.answers...)
			err := e.Remove(t.Context(), render.Ref{Kind: render.Workflow, Namespace: "ml", Name: "mnist"}, test.uid, test.seen)
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if diff := cmp.Diff(test.asked, s.asked); diff != "" {
				t.Errorf("-want +asked:\n%s", diff)
			}
		})
	}
}

// TestMessages are the words that people see.
func TestMessages(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []any
		want    string
	}{
		{"no namespace", []any{absent, noNamespace},
			"apply SeldonDeployment ml/mnist: no such namespace: ml (try: kubectl create namespace ml)"},
		{"namespace goes", []any{absent, terminating()},
			"apply SeldonDeployment ml/mnist: no such namespace: ml is being deleted"},
		{"no CRD", []any{noResource, noResource},
			"apply SeldonDeployment ml/mnist: CRD seldondeployments.machinelearning.seldon.io, version v1, is not installed"},
		{"denied", []any{denied},
			`apply SeldonDeployment ml/mnist: seldondeployments.machinelearning.seldon.io "mnist" is forbidden: no role`},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, _ := scripted(t, test.answers...)
			if err := e.Apply(t.Context(), wantedObject(render.SeldonDeployment, ""), ""); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
