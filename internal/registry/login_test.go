package registry_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/canary"
	"github.com/trefoil-gitops/trefoil/internal/registry"
)

// loggedIn has this process log in at a registry with a password, as after `docker login`.
func loggedIn(t *testing.T, host, password string) {
	t.Helper()
	dir := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte("bob:" + password))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), fmt.Appendf(nil, `{"auths": {%q: {"auth": %q}}}`, host, auth), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", dir)
}

// TestI6Read has a registry repeat what it is sent in its refusals, a password or a token that it gave for one.
func TestI6Read(t *testing.T) {
	c, token := canary.New("password of the registry"), canary.New("token of the registry")
	challenge := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, sent, said := strings.Cut(r.Header.Get("Authorization"), " ")
		switch {
		case r.URL.Path == "/token":
			fmt.Fprintf(w, `{"token": %q}`, token.Secret)
		case !said:
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			login, _ := base64.StdEncoding.DecodeString(sent) // a token is none
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "not with %s, which is %q, %s", sent, login, url.QueryEscape(string(login)))
		}
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	loggedIn(t, host, c.Secret)
	for _, challenge = range []string{`Basic realm="r"`, `Bearer realm="` + server.URL + `/token",service="s"`} {
		_, err := registry.Read(t.Context(), host+"/team/mnist:1", false)
		if err == nil || !strings.Contains(err.Error(), "not with [redacted]") || !strings.Contains(err.Error(), "try `docker login "+host) {
			t.Errorf("%s: %v", challenge, err)
		}
		for _, leak := range canary.Leaks(map[string]string{"the error": fmt.Sprintf("%+v", err)}, []canary.Canary{c, token}) {
			t.Errorf("I6: %s", leak)
		}
	}
}
