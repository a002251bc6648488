package seldon_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/local/seldon"
)

// front serves a Front and returns the URL of the deployment mnist in the namespace ml.
func front(t testing.TB) (*seldon.Front, string) {
	t.Helper()
	f := seldon.NewFront()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.URL + "/seldon/ml/mnist"
}

// model serves as a model's process does, and returns its address.
func model(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// gone is an address that nothing listens at.
func gone(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// recorded answers what the microservice must have said for the executor to answer as it did.
func recorded(t *testing.T, p pair) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/predict" || r.Method != http.MethodPost || string(body) != p.Request.body() {
			t.Errorf("the model is asked %s %s %s", r.Method, r.URL.Path, body)
		}
		if puid := r.Header.Get("Seldon-Puid"); puid == "" || r.Header.Get("Content-Type") != p.Request.Headers["Content-Type"] {
			t.Errorf("the model sees the headers %v", r.Header)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(p.Response.Status)
		_, _ = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").WriteString(w, p.Response.body())
	}
}

func TestExecutorPairs(t *testing.T) {
	for name, p := range pairs(t, "executor") {
		t.Run(name, func(t *testing.T) {
			f, url := front(t)
			addr := gone(t)
			if !strings.Contains(p.Server, "nothing listens") {
				addr = model(t, recorded(t, p))
			}
			f.Route("ml", "mnist", addr)
			same(t, moved(p.Response, addr), p.Request.ask(t, url))
		})
	}
}

// moved is an answer that names the model's address, with another one.
func moved(e exchange, addr string) exchange {
	body := strings.ReplaceAll(e.body(), "127.0.0.1:9999", addr)
	e.Headers["Content-Length"] = strconv.Itoa(len(body))
	e.Body = &body
	return e
}

// TestExecutorPaths has the executor's other paths: its method, path, status, Access-Control-Allow-Methods and body.
func TestExecutorPaths(t *testing.T) {
	const notFound = "404 page not found\n"
	f, url := front(t)
	f.Route("ml", "mnist", model(t, func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{
			"POST /send-feedback": "fed", "GET /health/status": "healthy",
			"GET /metadata": `{"custom":{},"inputs":[],"name":"r/mnist","outputs":[],"platform":"","versions":["1"]}`,
		}
		_, _ = io.WriteString(w, answers[r.Method+" "+r.URL.Path])
	}))
	graph := `{"name":"main","models":{"model":{"name":"r/mnist","versions":["1"],"inputs":[],"outputs":[]}},"graphinputs":[],"graphoutputs":[]}`
	unknown := `{"status":{"code":500,"info":"Failed to find model x","status":"FAILURE"}}`
	for request, want := range map[string]struct {
		status       int
		allow, reply string
	}{
		"GET /live":                    {200, "", ""},
		"GET /ready":                   {200, "", ""},
		"GET /api/v1.0/status":         {200, "GET,OPTIONS", ""},
		"GET /api/v1.0/health/status":  {200, "GET,OPTIONS", ""},
		"POST /api/v1.0/feedback":      {200, "OPTIONS,POST", "fed"},
		"POST /api/v0.1/feedback":      {200, "OPTIONS,POST", "fed"},
		"GET /api/v1.0/status/model":   {200, "GET,OPTIONS", "healthy"},
		"GET /api/v1.0/status/x":       {500, "GET,OPTIONS", unknown},
		"GET /api/v1.0/metadata":       {200, "GET,OPTIONS", graph},
		"GET /api/v0.1/metadata/x":     {500, "GET,OPTIONS", unknown},
		"OPTIONS /api/v1.0/status":     {200, "GET,OPTIONS", ""},
		"OPTIONS /api/v0.1/feedback":   {200, "OPTIONS,POST", ""},
		"OPTIONS /live":                {200, "", ""},
		"GET /api/v1.0/predictions":    {405, "", ""},
		"PUT /api/v0.1/predictions":    {405, "", ""},
		"POST /api/v1.0/status":        {405, "", ""},
		"GET /predict":                 {404, "", notFound},
		"GET /api/v1.0/status/":        {404, "", notFound},
		"GET /api/v1.0/status/a/b":     {404, "", notFound},
		"POST /api/v1.0/predictions/":  {404, "", notFound},
		"GET /../ml2/api/v1.0/status":  {404, "", notFound},
		"GET /api/v2.0/status":         {404, "", notFound},
		"DELETE /api/v1.0/metadata/ab": {405, "", ""},
	} {
		method, path, _ := strings.Cut(request, " ")
		got := exchange{Method: method, Path: path}.ask(t, url)
		if got.Status != want.status || got.Headers["Access-Control-Allow-Methods"] != want.allow || got.body() != want.reply {
			t.Errorf("%s: %d %q %v", request, got.Status, got.body(), got.Headers)
		}
	}
}

func TestUnrouted(t *testing.T) {
	f, url := front(t)
	root := strings.TrimSuffix(url, "/seldon/ml/mnist")
	<-f.Route("ml", "mnist", gone(t))
	<-f.Drop("ml", "mnist")
	<-f.Drop("ml", "mnist")
	for _, path := range []string{"/", "/seldon/", "/seldon/ml/mnist", "/seldon/ml/mnist/live", "/seldon/ml/other/live", "/seldon//mnist/live", "/live"} {
		got := exchange{Method: http.MethodGet, Path: path}.ask(t, root)
		if got.Status != http.StatusNotFound || got.body() != "404 page not found\n" {
			t.Errorf("%s: %d %q", path, got.Status, got.body())
		}
	}
}

// TestCloudEvent has the headers that a CloudEvents client gets.
func TestCloudEvent(t *testing.T) {
	f, url := front(t)
	f.Route("ml", "mnist", gone(t))
	got := exchange{Method: http.MethodGet, Path: "/live", Headers: map[string]string{"Ce-Specversion": "1.0", "Seldon-Puid": "p"}}.ask(t, url)
	for name, want := range map[string]string{
		"Ce-Id": "p", "Ce-Specversion": "0.3", "Ce-Path": "/live", "Ce-Type": "seldon.mnist.ml.response", "Ce-Source": "seldon.mnist",
	} {
		if got.Headers[name] != want {
			t.Errorf("%s: %q, want %q", name, got.Headers[name], want)
		}
	}
}

// TestBytesPass proves that bodies are neither decoded nor cut: bare NaN passes, and 10 MB do; what is above the limit asks no model.
func TestBytesPass(t *testing.T) {
	f, url := front(t)
	f.Route("ml", "mnist", model(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	for name, body := range map[string]string{"nan": "{\"a\":[NaN, -Infinity]}\n", "large": strings.Repeat("x", 10<<20), "empty": "", "no text": "\xff\x00"} {
		got := exchange{Method: http.MethodPost, Path: "/api/v1.0/predictions", Body: &body}.ask(t, url)
		if got.Status != http.StatusOK || got.body() != body {
			t.Errorf("%s: %d, %d bytes of %d come back", name, got.Status, len(got.body()), len(body))
		}
	}
	huge := strings.Repeat("x", 64<<20+1)
	got := exchange{Method: http.MethodPost, Path: "/api/v1.0/predictions", Body: &huge}.ask(t, url)
	if want := `{"status":{"code":413,"info":"http: request body too large","status":"FAILURE"}}`; got.Status != 413 || got.body() != want {
		t.Errorf("%d %s", got.Status, got.body())
	}
}

// FuzzPath looks for a path that makes Front panic, or reach a model that the path doesn't name.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/seldon/ml/mnist/live", "/seldon/ml/mnist/api/v1.0/status/model", "/seldon//", "/seldon/ml/mnist/"} {
		f.Add(path)
	}
	handler := seldon.NewFront()
	handler.Route("ml", "mnist", "127.0.0.1:0")
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest(http.MethodOptions, "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusOK && !strings.HasPrefix(path, "/seldon/ml/mnist/") {
			t.Errorf("%q is answered", path)
		}
	})
}
