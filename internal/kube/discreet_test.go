package kube

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/render"
)

// echoes are servers that repeat what they were sent.
func echoes() map[string]http.HandlerFunc {
	answer := func(code int, kind, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "http://[%"+r.Header.Get("Authorization"))
			w.WriteHeader(code)
			fmt.Fprintf(w, format, r.Header.Get("Authorization"))
		}
	}
	return map[string]http.HandlerFunc{
		"text":     answer(500, "text/plain", "broken by %s"),
		"status":   answer(403, "application/json", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no %s"}`),
		"page":     answer(200, "text/html", "<h1>%s</h1>"),
		"no kind":  answer(200, "application/json", `{"items":[%q]}`),
		"redirect": answer(302, "text/plain", "%s"),
		"no http": func(w http.ResponseWriter, r *http.Request) {
			if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
				fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\n%s is no header\r\n\r\n", r.Header.Get("Authorization"))
				connection.Close()
			}
		},
	}
}

// I6: whatever an API server does with the token that it was sent, no error, no reason and no line of the log holds it.
func TestNoTokenInErrors(t *testing.T) {
	const token = "t0ken.of.the.daemon"
	for name, echo := range echoes() {
		server := httptest.NewServer(echo)
		t.Cleanup(server.Close)
		var log strings.Builder
		e, err := New(Options{
			Cluster: &rest.Config{Host: server.URL, BearerToken: token}, Owner: "r-0123456789abcdef",
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		live, err := e.Observe(ctx)
		ref := render.Ref{Kind: render.Claim, Namespace: "argo", Name: "m"}
		applied := e.Apply(ctx, render.Object{Ref: ref, Body: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "m"}}}, "")
		removed := e.Remove(ctx, ref, "u", "1")
		cancel()
		<-done
		text := fmt.Sprintf("%v %+v %#v %s %v %+v %v", err, applied, applied, log.String(), removed, removed, live.Unknown)
		if strings.Contains(text, token) || strings.Contains(text, "t0ken") {
			t.Errorf("I6: %s: %s", name, text)
		}
		if applied == nil || live.Unknown[render.Claim] == "" {
			t.Errorf("%s is taken for a good answer: %v, %v", name, applied, live.Unknown)
		}
	}
}

// What holds objects comes through as it is, and a watch as soon as it says something.
func TestObjectsComeThrough(t *testing.T) {
	const object = `{"kind":"ConfigMap","apiVersion":"v1","data":{"said":"Bearer t0ken"}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, object+"\n")
		if r.FormValue("watch") != "" {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	for _, query := range []string{"", "?watch=true"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer t0ken")
		reply, err := discreetly(new(rest.Config))(http.DefaultTransport).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(reply.Body).ReadString('\n')
		if err != nil || line != object+"\n" {
			t.Errorf("%q is read as %q, %v", query, line, err)
		}
		cancel()
		reply.Body.Close()
	}
}

// I6: an API server that repeats the token of the hour before gives it away as little as that of now.
func TestNoFormerTokenInErrors(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "neither f0rmer.token nor n3w.token")
	}))
	t.Cleanup(server.Close)
	transport := discreetly(new(rest.Config))(http.DefaultTransport)
	for _, c := range []struct{ token, want string }{
		{"f0rmer.token", "neither [redacted] nor n3w.token"}, {"n3w.token", "neither [redacted] nor [redacted]"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+c.token)
		reply, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reply.Body)
		if err != nil || string(text) != c.want {
			t.Errorf("it says %q, %v", text, err)
		}
		reply.Body.Close()
	}
}
