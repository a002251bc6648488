package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/trefoil-gitops/trefoil/schema"
)

const hookSecret = "3f9c0d2b7a51e864-canary"

// leasing is a cluster that holds nothing but one Lease, and a Polyaxon that holds nothing.
type leasing struct {
	mu    sync.Mutex
	lease *coordinationv1.Lease
	count int
}

func (l *leasing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.Path, "/leases") {
		nothing(w, r)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodGet {
		body, _ := io.ReadAll(r.Body) // what is cut short is no lease
		sent, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
		lease, ok := sent.(*coordinationv1.Lease)
		if err != nil || !ok {
			http.Error(w, "not a lease", http.StatusBadRequest)
			return
		}
		l.count++
		lease.ResourceVersion = fmt.Sprint(l.count)
		l.lease = lease
	}
	if l.lease == nil {
		nothing(w, r)
		return
	}
	l.lease.TypeMeta = metav1.TypeMeta{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"}
	reply(w, http.StatusOK, l.lease)
}

// countedGit is a bare repository behind git http-backend that counts what it is asked.
type countedGit struct {
	*testing.T
	bare, url string

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
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.calls = append(g.calls, r.Method+" "+r.URL.String())
		g.mu.Unlock()
		backend.ServeHTTP(w, r)
	}))
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

// shared is a log that is read while it is written.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// following is a daemon that follows a git server, with engines that hold nothing.
type following struct {
	*countedGit
	log    *shared
	secret string // its file
	hooks  string // the URL where it takes webhooks
}

// follow is followAt the server's URL.
func follow(t *testing.T, cluster *leasing) *following {
	t.Helper()
	g := serveGit(t)
	return followAt(t, cluster, g, g.url)
}

// followAt starts `trefoil run`, which polls every 10 minutes. It ends with the test.
func followAt(t *testing.T, cluster *leasing, g *countedGit, url string) *following {
	t.Helper()
	engines := httptest.NewServer(cluster)
	t.Cleanup(engines.Close)
	f := &following{countedGit: g, log: &shared{}, secret: filepath.Join(t.TempDir(), "secret")}
	f.keep(hookSecret)
	config, kube := filepath.Join(t.TempDir(), "trefoil.yaml"), filepath.Join(t.TempDir(), "kubeconfig")
	for name, text := range map[string]string{kube: kubeconfig(engines.URL), config: fmt.Sprintf(
		"repository: {url: %q}\npoll: 10m\nwebhook: {listen: '127.0.0.1:0', secretFile: %q}\npolyaxon: {url: %q}\nkubernetes: {kubeconfig: %q}\n",
		url, f.secret, engines.URL, kube)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := &app{out: io.Discard, err: f.log, env: func(string) (string, bool) { return "", false }, evaluate: schema.Evaluate}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() { ended <- a.run(ctx, []string{"run", "--config", config}) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 || t.Failed() {
			t.Logf("it ended with %d and logged\n%s", code, f.log)
		}
		if strings.Contains(f.log.String(), "canary") {
			t.Error("I6: the secret is in the log")
		}
	})
	address := regexp.MustCompile(`takes webhooks" address=(\S+)`)
	f.eventually("it listens", func() bool { return address.MatchString(f.log.String()) })
	f.hooks = "http://" + address.FindStringSubmatch(f.log.String())[1] + "/webhook"
	return f
}

// keep writes the file of the secret, as a Secret is replaced: by renaming.
func (f *following) keep(secrets string) {
	f.Helper()
	if err := os.WriteFile(f.secret+".new", []byte(secrets+"\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	if err := os.Rename(f.secret+".new", f.secret); err != nil {
		f.Fatal(err)
	}
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
