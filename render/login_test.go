package render_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// canary is a secret that shells, printf and URLs would mangle.
const canary = `canary%s\n'"$(id)\c é`

func TestFetchToken(t *testing.T) {
	sum := sha256.Sum256([]byte("weights"))
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "Token "+canary {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "weights")
	}))
	defer server.Close()
	for name, test := range map[string]struct {
		token, says string
		code        int
		requests    int32
	}{
		"right":       {canary, "", 0, 1},
		"with a line": {canary + "\r\n", "", 0, 1},
		"wrong":       {canary + "x", "cannot fetch " + server.URL + ": does the token open it", 1, 1},
		"empty":       {"\n", "the Secret for Polyaxon has no token", 1, 0},
		"missing":     {"", "the Secret for Polyaxon has no token", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.token != "" {
				write(t, dir, map[string]string{"token": test.token})
			}
			requests.Store(0)
			output, err := script(t, "token.sh+fetch.sh+check.sh", "TOKEN="+dir+"/token", "ARTIFACT_URL="+server.URL,
				"ARTIFACT_SHA256="+hex.EncodeToString(sum[:]), "ARTIFACT="+dir+"/artifact", "RETRY_SECONDS=0")
			if got := exitCode(err); got != test.code || requests.Load() != test.requests {
				t.Errorf("exit code %d after %d requests", got, requests.Load())
			}
			if !strings.Contains(output, test.says) || strings.Contains(output, "canary") {
				t.Fatal(output)
			}
		})
	}
}

// TestFetchTokenOverTLS: a wget that believes every certificate is told no token (I6).
func TestFetchTokenOverTLS(t *testing.T) {
	for name, test := range map[string]struct {
		url, wget, ssl string // ssl: what the program ssl_client says of itself, where there is one
		told           bool
	}{
		"BusyBox's own TLS":     {"https://127.0.0.1:1/", "BusyBox v1.37.0", "", false},
		"BusyBox's own program": {"https://127.0.0.1:1/", "BusyBox v1.37.0", "BusyBox v1.37.0 multi-call binary.", false},
		"BusyBox's without TLS": {"http://127.0.0.1:1/", "BusyBox v1.37.0", "", true},
		"Alpine's":              {"https://127.0.0.1:1/", "BusyBox v1.37.0", "ssl_client: unrecognized option", true},
		"GNU's":                 {"https://127.0.0.1:1/", "GNU Wget 1.25", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"token": canary})
			if test.ssl != "" {
				write(t, dir, map[string]string{"bin/ssl_client": "#!/bin/sh\necho " + test.ssl + " >&2\nexit 1\n"})
				if err := os.Chmod(dir+"/bin/ssl_client", 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir+"/bin:"+os.Getenv("PATH"))
			output, err := script(t, "token.sh+fetch.sh", "TOKEN="+dir+"/token", "ARTIFACT_URL="+test.url, "WGET="+test.wget,
				"ARTIFACT="+dir+"/artifact", "RETRY_SECONDS=0")
			want, says := passes, "cannot fetch "+test.url
			if !test.told {
				want, says = 1, "this image's wget believes every certificate, and is told no token"
			}
			if got := exitCode(err); got != want || !strings.Contains(output, says) {
				t.Errorf("exit code %d: %s", got, output)
			}
		})
	}
}

// TestSourceLogin fetches from the real git http-backend, which asks for a name and a password.
func TestSourceLogin(t *testing.T) {
	dir, first := repository(t)
	server := httptest.NewServer(guarded(t, strings.TrimPrefix(dir, "file://"), stranger(t)))
	defer server.Close()
	right := map[string]string{"username": "bot", "password": canary}
	for name, test := range map[string]struct {
		path   string
		secret map[string]string
		says   string // empty where it works
	}{
		"right":        {"/.git", right, ""},
		"moved":        {"/moved/.git", right, ""},
		"with lines":   {"/.git", map[string]string{"username": "bot\n", "password": canary + "\n"}, ""},
		"wrong":        {"/.git", map[string]string{"username": "bot", "password": canary + "x"}, "Authentication failed for '" + server.URL},
		"another host": {"/away/.git", right, "could not read Username for 'http://localhost"},
		"logged in":    {"/later/.git", right, "Authentication failed"},
		"ssh key":      {"/.git", map[string]string{"identity": canary}, "has no username"},
		"no password":  {"/.git", map[string]string{"username": "bot"}, "the Secret with the credentials for " + server.URL + "/.git has no password"},
	} {
		t.Run(name, func(t *testing.T) { login(t, server.URL+test.path, first, test.secret, test.says) })
	}
}

// guarded serves the repositories of a folder to bot. What is below /moved redirects to itself, what is below /away to the
// stranger, and below /later as well, once bot has logged in.
func guarded(t *testing.T, dir, stranger string) http.Handler {
	t.Helper()
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path:   filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"),
		Env:    []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"},
		Stderr: io.Discard,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case strings.HasPrefix(r.URL.Path, "/moved/"):
			http.Redirect(w, r, strings.TrimPrefix(r.URL.String(), "/moved"), http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/away/"):
			http.Redirect(w, r, stranger+r.URL.String(), http.StatusFound)
		case user != "bot" || password != canary:
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/later/"):
			http.Redirect(w, r, stranger+r.URL.String(), http.StatusFound)
		default:
			backend.ServeHTTP(w, r)
		}
	})
}

// stranger is the URL of a server on another host, which would like to know the password.
func stranger(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("another host is sent %q", got)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="stranger"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

// login runs the step that fetches the serving source, with a Secret, and looks for the secret in all that it leaves behind.
func login(t *testing.T, repository, commit string, secret map[string]string, says string) {
	t.Helper()
	work, credentials := t.TempDir(), t.TempDir()
	for key, value := range secret {
		if err := os.WriteFile(filepath.Join(credentials, key), []byte(value), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	output, err := script(t, "login.sh+source.sh", "REPOSITORY="+repository, "COMMIT="+commit, "FOLDER=serving",
		"GIT_DIR="+work+"/git", "CONTEXT="+work+"/context", "CREDENTIALS="+credentials)
	if (err == nil) != (says == "") || !strings.Contains(output, says) || strings.Contains(output, "canary") {
		t.Fatalf("%v: %s", err, output)
	}
	for name, content := range read(t, work) {
		if strings.Contains(content, "canary") || strings.Contains(content, url.QueryEscape(canary)) {
			t.Errorf("%s holds the password", name)
		}
	}
	if err != nil {
		return
	}
	want := map[string]string{"model.py": "class Model: pass\n", "$(touch x)/a' b": "odd\n", "link": "/etc/passwd"}
	if diff := cmp.Diff(want, read(t, work+"/context")); diff != "" {
		t.Error(diff)
	}
}
