package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/render"
)

// BenchmarkCompare lists what a cluster has of n models and compares it with what git asks for: a Workflow and two SeldonDeployments
// each, in which nothing changed. growth is the exponent by which the time grows with n: 1 is linear.
func BenchmarkCompare(b *testing.B) {
	took := map[int]float64{}
	for _, n := range []int{100, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			wanted, lists := held(b, n)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { listing(w, r, lists) }))
			defer server.Close()
			for b.Loop() {
				e, err := New(Options{Cluster: &rest.Config{Host: server.URL}, Owner: testOwner, Namespace: "ml", Whole: true})
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				go e.Run(ctx)
				if _, err := e.Observe(ctx); err != nil {
					b.Fatal(err)
				}
				for i, r := range e.Compare(ctx, wanted) {
					if r.Err != nil || r.New() || len(r.Fields) > 0 {
						b.Fatalf("%s: %+v", wanted[i].Ref, r)
					}
				}
				cancel()
			}
			took[n] = b.Elapsed().Seconds() / float64(b.N)
			if n > 100 {
				b.ReportMetric(math.Log(took[n]/took[100])/math.Log(float64(n)/100), "growth")
			}
		})
	}
}

// held is what git asks for of n models, and what the cluster lists of it by resource.
func held(b *testing.B, n int) (wanted []render.Object, lists map[string][]byte) {
	all := map[string][]any{}
	for _, name := range []string{"seldon-same", "workflow-same"} {
		archive, err := txtar.ParseFile("testdata/compare/" + name + ".txtar")
		if err != nil {
			b.Fatal(err)
		}
		var live, git *unstructured.Unstructured
		for _, f := range archive.Files {
			switch f.Name {
			case "live.yaml":
				live = parsed(b, f.Data)
			case "git.yaml":
				git = parsed(b, f.Data)
			}
		}
		for i := range n {
			for _, namespace := range map[string][]string{"seldon-same": {"ml", "ml-staging"}, "workflow-same": {"argo"}}[name] {
				l, g := live.DeepCopy(), git.DeepCopy()
				for _, u := range []*unstructured.Unstructured{l, g} {
					u.SetName(fmt.Sprintf("model-%04d", i))
					u.SetNamespace(namespace)
				}
				wanted = append(wanted, wantedAs(g))
				all[g.GetKind()] = append(all[g.GetKind()], l.Object)
			}
		}
	}
	lists = map[string][]byte{}
	for kind, items := range all {
		text, err := json.Marshal(map[string]any{"kind": "List", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": "1"}, "items": items})
		if err != nil {
			b.Fatal(err)
		}
		lists[strings.ToLower(kind)+"s"] = text
	}
	return wanted, lists
}

// listing answers lists, with nothing for what it has none of, and watches in which nothing happens.
func listing(w http.ResponseWriter, r *http.Request, lists map[string][]byte) {
	w.Header().Set("Content-Type", "application/json")
	switch query := r.URL.Query(); {
	case query.Has("sendInitialEvents"):
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422}`)
	case query.Has("watch"):
		_ = http.NewResponseController(w).Flush() // the client is gone where this fails
		<-r.Context().Done()
	default:
		text, found := lists[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
		if !found {
			text = []byte(`{"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}`)
		}
		_, _ = w.Write(text)
	}
}
