package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/schema"
)

const predicted = `{"data": {"ndarray": [[7.0]], "names": ["\u001b[31m"]}, "meta": {"requestPath": {"model": "registry.example/mnist@sha256:` +
	`1111111111111111111111111111111111111111111111111111111111111111"}}}`

// models answers like an ingress of Seldon and like the API server before one, by the namespace.
func models(w http.ResponseWriter, r *http.Request) {
	status := func(code int, reason string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "reason": %q, "message": "the server's own words", "code": %d}`, reason, code)
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.Method + " " + r.URL.Path {
	case "POST /seldon/ml/mnist/api/v1.0/predictions", "POST /api/v1/namespaces/ml/services/mnist-main:http/proxy/api/v1.0/predictions":
		fmt.Fprint(w, predicted)
	case "POST /seldon/prod/mnist/api/v1.0/predictions", "POST /api/v1/namespaces/prod/services/mnist-main:http/proxy/api/v1.0/predictions":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"status": {"code": -1, "info": "ndarray has 3 columns,\nnot \u001b[1m2", "reason": "MICROSERVICE_BAD_DATA", "status": 1}}`)
	case "POST /seldon/slow/mnist/api/v1.0/predictions", "POST /api/v1/namespaces/slow/services/mnist-main:http/proxy/api/v1.0/predictions":
		_, _ = io.Copy(io.Discard, r.Body) // then the server sees that the client went away
		<-r.Context().Done()
	case "POST /api/v1/namespaces/gone/services/mnist-main:http/proxy/api/v1.0/predictions":
		status(http.StatusNotFound, "NotFound")
	case "POST /api/v1/namespaces/down/services/mnist-main:http/proxy/api/v1.0/predictions":
		status(http.StatusServiceUnavailable, "ServiceUnavailable")
	case "POST /api/v1/namespaces/closed/services/mnist-main:http/proxy/api/v1.0/predictions":
		status(http.StatusForbidden, "Forbidden")
	default:
		http.Error(w, "no route", http.StatusBadGateway)
	}
}

// TestPredict: each line of testdata/predict.txtar's commands prints what stands there; UPDATE=1 writes it anew.
func TestPredict(t *testing.T) {
	const file = "testdata/predict.txtar"
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(models))
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, url := range map[string]string{"cluster": server.URL, "dead": gone.URL} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(kubeconfig(url)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hide := strings.NewReplacer(server.URL, "URL", gone.URL, "DEAD", strings.TrimPrefix(gone.URL, "http://"), "DEAD")
	show := strings.NewReplacer("URL", server.URL, "DEAD", gone.URL, "REPO", filepath.Join(dir, "repo"), "DIR", dir)
	var got strings.Builder
	for line := range strings.Lines(string(archive.Comment)) {
		command, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
		if !found {
			continue
		}
		var out strings.Builder
		a := &app{out: &out, err: &out, env: func(string) (string, bool) { return "", false }, evaluate: schema.Evaluate}
		code := a.run(context.Background(), append(strings.Fields(show.Replace(command)), "-C", filepath.Join(dir, "repo")))
		fmt.Fprintf(&got, "$ %s\n%s(%d)\n", command, hide.Replace(strings.ReplaceAll(out.String(), dir, "DIR")), code)
	}
	if os.Getenv("UPDATE") != "" {
		archive.Comment = []byte(got.String() + "\n")
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Comment), got.String()+"\n"); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
