package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/render"
)

// TestThroughStays: an ingress, or a model behind it, that sends elsewhere is not followed.
func TestThroughStays(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s is asked", r.Method, r.Host)
	}))
	defer thief.Close()
	for to, place := range map[string]string{
		thief.URL + "/x?a=b": thief.URL, "http://u:p@other.example/": "http://other.example", "/x": "URL",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}))
		defer server.Close()
		_, _, err := through(server.URL, 300)(t.Context(), render.Ref{Namespace: "ml", Name: "mnist"}, []byte("[1]"))
		want := "it redirects to " + strings.ReplaceAll(place, "URL", server.URL) +
			" (307), and no redirect is followed: is that the right --url or kubernetes.ingress?"
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, not %s", to, err, want)
		}
	}
}

func TestComplaint(t *testing.T) {
	for answer, want := range map[string]string{
		`{"status": {"info": "3 columns", "reason": "BAD"}}`:            "3 columns",
		`{"status": {"reason": "BAD"}}`:                                 "BAD",
		`{"status": {"info": "RuntimeError: DB_PASSWORD=x"}}`:           "RuntimeError: DB_PASSWORD=[redacted]",
		"<html>\ntoken: x":                                              "<html> token: [redacted]",
		strings.Repeat("https://"+strings.Repeat("t", 400)+"@host ", 2): "https://[redacted]@host https://[redacted]@host",
	} {
		if got := complaint([]byte(answer)); got != want {
			t.Errorf("%s is told as %s", answer, got)
		}
	}
}
