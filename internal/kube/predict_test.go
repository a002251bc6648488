package kube

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/render"
)

// TestPredictor asks through an API server: what the model says is told apart from what the server says in its place, and its credentials
// come back in nothing.
func TestPredictor(t *testing.T) {
	const token, longest = "not-to-be-told", 300
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		refuse := func(code int) {
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"kind": "Status", "code": %d, "message": "%s\n says no"}`, code, r.Header.Get("Authorization"))
		}
		body, _ := io.ReadAll(r.Body)
		switch r.Method + " " + r.URL.Path {
		case "POST /api/v1/namespaces/ml/services/mnist-main:http/proxy/api/v1.0/predictions":
			fmt.Fprintf(w, `{"data": %s}`, body)
		case "POST /api/v1/namespaces/wrong/services/mnist-main:http/proxy/api/v1.0/predictions":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status": {"info": "3 columns"}}`)
		case "POST /api/v1/namespaces/closed/services/mnist-main:http/proxy/api/v1.0/predictions":
			refuse(http.StatusForbidden)
		case "POST /api/v1/namespaces/down/services/mnist-main:http/proxy/api/v1.0/predictions":
			refuse(http.StatusServiceUnavailable)
		case "POST /api/v1/namespaces/odd/services/mnist-main:http/proxy/api/v1.0/predictions":
			refuse(http.StatusInternalServerError)
		default:
			refuse(http.StatusNotFound)
		}
	}))
	defer server.Close()
	p, err := NewPredictor(&rest.Config{Host: server.URL, BearerToken: token}, longest)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		namespace, request, want string
		err                      error
	}{
		{"ml", "[1]", `{"data": [1]} 200 <nil>`, nil},
		{"ml", strings.Repeat("1", 2*longest), strings.Repeat("1", longest-len(`{"data": `)) + " 200 <nil>", nil},
		{"wrong", "[1]", `{"status": {"info": "3 columns"}} 400 <nil>`, nil},
		{"closed", "[1]", "403 no way to Service closed/mnist-main through the API server: create on services/proxy is needed", ErrForbidden},
		{"down", "[1]", "503 nothing answers there: no pod of Service down/mnist-main is ready", ErrNotServed},
		{"none", "[1]", "404 nothing answers there: there is no Service none/mnist-main yet", ErrNotServed},
	} {
		answer, status, err := p.Ask(t.Context(), render.Ref{Namespace: tc.namespace, Name: "mnist"}, []byte(tc.request))
		if got := fmt.Sprint(string(answer), " ", status, " ", err); !strings.HasSuffix(got, tc.want) || !errors.Is(err, tc.err) {
			t.Errorf("%s: %s, not %s", tc.namespace, got, tc.want)
		}
	}
	_, _, err = p.Ask(t.Context(), render.Ref{Namespace: "odd", Name: "mnist"}, nil)
	if err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "\n") {
		t.Errorf("I6: %v", err)
	}
}

// TestPredictorStays: a model that sends elsewhere gets the credentials sent nowhere.
func TestPredictorStays(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("I6: %s is asked, with %q", r.Host, r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(thief.URL, code))
		defer server.Close()
		p, err := NewPredictor(&rest.Config{Host: server.URL, BearerToken: "t0ken"}, 300)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.Ask(t.Context(), render.Ref{Namespace: "ml", Name: "mnist"}, []byte("[1]"))
		want := fmt.Sprintf("the model behind Service ml/mnist-main redirects (%d %s), and no redirect is followed", code, http.StatusText(code))
		if err == nil || err.Error() != want {
			t.Errorf("%d: %v, not %s", code, err, want)
		}
	}
}

// TestPredictorLong: of an answer as much comes as was asked for, without the credentials that something on the way repeated.
func TestPredictorLong(t *testing.T) {
	const token, longest = "not-to-be-told", 2 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"kind": %q, "data": "%s", "last": %q}`, r.Header.Get("Authorization"), strings.Repeat("1", longest/2), r.Header.Get("Authorization"))
	}))
	defer server.Close()
	p, err := NewPredictor(&rest.Config{Host: server.URL, BearerToken: token}, longest)
	if err != nil {
		t.Fatal(err)
	}
	answer, status, err := p.Ask(t.Context(), render.Ref{Namespace: "ml", Name: "mnist"}, []byte("[1]"))
	want := fmt.Sprintf(`{"kind": "Bearer [redacted]", "data": "%s", "last": "Bearer [redacted]"}`, strings.Repeat("1", longest/2))
	if err != nil || status != http.StatusOK || string(answer) != want {
		t.Errorf("%d bytes and not %d: %.60s...%s, %d, %v", len(answer), len(want), answer, answer[max(0, len(answer)-30):], status, err)
	}
}
