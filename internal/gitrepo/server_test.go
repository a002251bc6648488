package gitrepo

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// runGit runs the real git, without any configuration of this machine.
func runGit(t testing.TB, dir string, args ...string) string {
	t.Helper()
	var out, failed bytes.Buffer
	command := gitOf(dir, args...)
	command.Stdout, command.Stderr = &out, &failed
	if err := command.Run(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, failed.String())
	}
	return strings.TrimSpace(out.String())
}

// tryGit is runGit where it may fail.
func tryGit(dir string, args ...string) error { return gitOf(dir, args...).Run() }

func gitOf(dir string, args ...string) *exec.Cmd {
	command := exec.Command("git", args...)
	command.Dir = dir
	inherited := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") }) // of a hook that runs the tests
	command.Env = append(inherited, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "XDG_CONFIG_HOME=/nonexistent",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
		// What git tidies up in the background would still be at work when the test's folder goes.
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=gc.auto", "GIT_CONFIG_VALUE_0=0", "GIT_CONFIG_KEY_1=maintenance.auto", "GIT_CONFIG_VALUE_1=false")
	return command
}

// write puts files below dir; a name that ends in "*" is made executable.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name, executable := strings.CutSuffix(name, "*")
		path := filepath.Join(dir, filepath.FromSlash(name))
		mode := os.FileMode(0o644)
		if executable {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// specs are what a repository of the tests holds at first.
func specs() map[string]string {
	return map[string]string{
		"models.cue":         "package models\n",
		"selected/mnist.cue": "package models\nselected: mnist: latest: 1\n",
		"train/run.py*":      "print(1)\n",
		"train/lib/a.py":     "a = 1\n",
	}
}

// server is a bare repository behind the real git http-backend, with a place for faults in between.
type server struct {
	dir     string // the bare repository
	url     string
	handler http.Handler

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request, next http.Handler) // nil: none
	calls []string                                                        // method, path and query of each request
}

// serve starts a server whose branch main holds the files; none, and it holds no commit.
func serve(t testing.TB, files map[string]string) *server {
	t.Helper()
	root := t.TempDir()
	s := &server{dir: filepath.Join(root, "specs.git")}
	runGit(t, root, "init", "-q", "--bare", "-b", "main", s.dir)
	runGit(t, s.dir, "config", "http.receivepack", "true")
	if len(files) > 0 {
		work := s.clone(t)
		write(t, work, files)
		s.publish(t, work, "begin")
	}
	backend := &cgi.Handler{
		Path:   filepath.Join(runGit(t, root, "--exec-path"), "git-http-backend"),
		Stderr: io.Discard,
		Env:    []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handle(w, r, backend) })
	front := httptest.NewServer(s.handler)
	t.Cleanup(front.Close)
	s.url = front.URL + "/specs.git"
	return s
}

func (s *server) handle(w http.ResponseWriter, r *http.Request, backend http.Handler) {
	s.mu.Lock()
	s.calls = append(s.calls, r.Method+" "+r.URL.String())
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		backend.ServeHTTP(w, r)
		return
	}
	fault(w, r, backend)
}

// inject puts a fault in, or takes it out.
func (s *server) inject(fault func(http.ResponseWriter, *http.Request, http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// clone makes a work tree of the repository, by way of the file system.
func (s *server) clone(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	runGit(t, filepath.Dir(dir), "clone", "-q", s.dir, dir)
	runGit(t, dir, "checkout", "-q", "-B", "main")
	return dir
}

// publish commits all that is in a work tree and pushes it, as a person would.
func (s *server) publish(t testing.TB, work, message string) plan.Revision {
	t.Helper()
	runGit(t, work, "add", "-A")
	runGit(t, work, "commit", "-q", "-m", message)
	runGit(t, work, "push", "-q", "origin", "main")
	return s.tip(t)
}

func (s *server) tip(t testing.TB) plan.Revision {
	t.Helper()
	return plan.Revision(runGit(t, s.dir, "rev-parse", "refs/heads/main"))
}

// options of a Repo at the URL.
func options(url string) Options {
	return Options{URL: url, Branch: "main", AuthorName: "Trefoil", AuthorEmail: "trefoil@example.com"}
}

// given are credentials that stay the same.
func given(c Credentials) func() (Credentials, error) {
	return func() (Credentials, error) { return c, nil }
}

func open(t testing.TB, o Options) *Repo {
	t.Helper()
	repo, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// aMinute is a context that no test should reach the end of.
func aMinute(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// selection is an edit of one model's file.
func selection(model, text string) reconcile.Edit {
	return reconcile.Edit{
		Message: model + ": release 1\n\nTrefoil-Model: " + model + "\n",
		Files:   map[string][]byte{"selected/" + model + ".cue": []byte(text)},
		Date:    time.Date(2026, 5, 6, 7, 8, 9, 999, time.FixedZone("there", 3600)),
	}
}
