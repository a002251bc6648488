package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

func kubeconfig(url string) string {
	return fmt.Sprintf(`{kind: Config, clusters: [{name: a, cluster: {server: %q}}], contexts: [{name: a, context: {cluster: a}}], current-context: a}`, url)
}

// servers are an address that nobody listens at, one that takes connections and is silent, one that answers 403, and engines that
// hold nothing.
func servers(t *testing.T) map[string]string {
	t.Helper()
	gone := httptest.NewServer(nil)
	gone.Close()
	hole, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes the connections
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hole.Close() })
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "you may not", http.StatusForbidden)
	}))
	t.Cleanup(refuses.Close)
	empty := httptest.NewServer(http.HandlerFunc(nothing))
	t.Cleanup(empty.Close)
	return map[string]string{"dead": gone.URL, "silent": "http://" + hole.Addr().String(), "forbidden": refuses.URL, "empty": empty.URL}
}

// nothing answers for Polyaxon and for a cluster: empty lists, and watches in which nothing happens.
func nothing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	query := r.URL.Query()
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/v1/default/"):
		fmt.Fprint(w, `{"count": 0, "results": []}`)
	case strings.Contains(r.URL.Path, "/leases/"), strings.Contains(r.URL.Path, "/configmaps/"):
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`)
	case query.Has("sendInitialEvents"):
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422}`)
	case query.Has("watch"):
		_ = http.NewResponseController(w).Flush() // the client is gone where this fails
		<-r.Context().Done()
	default:
		fmt.Fprint(w, `{"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}`)
	}
}

// TestMissed lets those do without Argo and Seldon who only train.
func TestMissed(t *testing.T) {
	reason := "CRD workflows.argoproj.io, version v1alpha1, " + kube.ErrNotInstalled.Error()
	pass := reconcile.Pass{
		Live:    plan.Live{Unknown: map[render.Kind]string{render.Workflow: reason, render.Search: "down"}},
		Catalog: schema.Catalog{Models: []schema.Model{{Name: "trains"}}},
	}
	if got := unseen(pass); !slices.Equal(got, []string{"Search: down"}) {
		t.Errorf("unseen are %q", got)
	}
	pass.Catalog.Models = append(pass.Catalog.Models, schema.Model{Name: "packages", Package: &schema.Package{}})
	if got := unseen(pass); !slices.Equal(got, []string{"Search: down", "Workflow: " + reason}) {
		t.Errorf("unseen are %q", got)
	}
}

// TestImpatient gives a silent server up, and one that answers slowly not.
func TestImpatient(t *testing.T) {
	for _, tc := range []struct {
		name   string
		pause  time.Duration // before each of three answers
		silent bool
	}{{"slow", 200 * time.Millisecond, false}, {"silent", 2 * time.Second, true}} {
		t.Run(tc.name, func(t *testing.T) {
			answers := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(tc.pause):
				case <-r.Context().Done():
				}
				if answers++; answers < 3 {
					http.Error(w, "busy", http.StatusServiceUnavailable)
					return
				}
				fmt.Fprint(w, `{"count": 0, "results": []}`)
			}))
			defer server.Close()
			c := defaults()
			c.Polyaxon.URL = server.URL
			engine, err := c.impatient()
			if err != nil {
				t.Fatal(err)
			}
			engine.most = 700 * time.Millisecond
			_, err = engine.Observe(t.Context())
			if silent := errors.Is(err, errSilent); silent != tc.silent || !silent && err != nil {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
