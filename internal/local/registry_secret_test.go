package local

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/canary"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// TestI6Registry has a registry repeat what it is sent in its refusals: neither the log nor what becomes of the Workflow has it.
func TestI6Registry(t *testing.T) {
	c := canary.New("password of the registry")
	challenge := "Basic"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, sent, said := strings.Cut(r.Header.Get("Authorization"), " ")
		if !said && r.URL.Path != "/token" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		login, _ := base64.StdEncoding.DecodeString(sent) // a token is none
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "not with %s, which is %q, %s", sent, login, url.QueryEscape(string(login)))
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	docker := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte("bob:" + c.Secret))
	config := fmt.Appendf(nil, `{"auths": {%q: {"auth": %q}}}`, host, auth)
	if err := os.WriteFile(filepath.Join(docker, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", docker)
	for _, challenge = range []string{`Basic realm="r"`, `Bearer realm="` + server.URL + `/token",service="s"`} {
		var log strings.Builder
		e, m, r := trained(t, served)
		m.Package.Image = host + "/team/m"
		e.options.Base, e.options.Push, e.options.Log = host+"/base:1", true, slog.New(slog.NewTextHandler(&log, nil))
		o := pack(t, e, m, r)
		said := o.Message + log.String()
		if o.Phase != plan.Failed || !strings.Contains(said, "could not be pushed") || !strings.Contains(said, "not with [redacted]") {
			t.Errorf("%s: %s: %s, %s", challenge, o.Phase, o.Message, log.String())
		}
		files, err := canary.Files(e.options.Dir)
		if err != nil {
			t.Fatal(err)
		}
		files["the message"], files["the log"] = o.Message, log.String()
		for _, leak := range canary.Leaks(files, []canary.Canary{c}) {
			t.Errorf("I6: %s", leak)
		}
	}
}
