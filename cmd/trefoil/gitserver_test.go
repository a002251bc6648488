package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// countedGit is a bare repository behind git http-backend that counts what it is asked.
type countedGit struct {
	*testing.T
	bare, url string
	handler   http.Handler

	mu    sync.Mutex
	calls []string
}

func serveGit(t *testing.T) *countedGit {
	t.Helper()
	root := t.TempDir()
	g := &countedGit{T: t, bare: filepath.Join(root, "ml", "models.git")}
	g.git(root, "init", "-q", "--bare", "-b", "main", g.bare)
	core := strings.TrimSpace(g.git(root, "--exec-path"))
	backend := &cgi.Handler{
		Path: filepath.Join(core, "git-http-backend"), Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	g.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.calls = append(g.calls, r.Method+" "+r.URL.String())
		g.mu.Unlock()
		backend.ServeHTTP(w, r)
	})
	front := httptest.NewServer(g.handler)
	t.Cleanup(front.Close)
	g.url = front.URL + "/ml/models.git"
	g.push("package models\n")
	return g
}

func (g *countedGit) git(dir string, args ...string) string {
	g.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.com"}, args...)...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := command.CombinedOutput()
	if err != nil {
		g.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// push makes a commit as a person does, past the server, and returns the first digits of its hash.
func (g *countedGit) push(models string) string {
	g.Helper()
	work := filepath.Join(g.TempDir(), "work")
	g.git(filepath.Dir(work), "clone", "-q", g.bare, work)
	g.git(work, "checkout", "-q", "-B", "main")
	if err := os.WriteFile(filepath.Join(work, "models.cue"), []byte(models), 0o600); err != nil {
		g.Fatal(err)
	}
	g.git(work, "add", "-A")
	g.git(work, "commit", "-q", "-m", "models")
	g.git(work, "push", "-q", "origin", "main")
	return strings.TrimSpace(g.git(work, "rev-parse", "--short=7", "HEAD"))
}

// asked is what the server was asked so far.
func (g *countedGit) asked() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.calls...)
}

// quiet waits until the server was not asked for two seconds: no poke is left of the start, and the next look is that of a webhook, or of
// a poll in 10 minutes.
func (g *countedGit) quiet() {
	g.Helper()
	last, since := -1, time.Now()
	g.eventually("nobody asks", func() bool {
		if n := len(g.asked()); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
}

// eventually waits for what without a webhook would take 10 minutes.
func (g *countedGit) eventually(what string, done func() bool) {
	g.Helper()
	ctx, cancel := context.WithTimeout(g.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(time.Millisecond); !done(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			g.Fatalf("not within a minute: %s", what)
		}
	}
}
