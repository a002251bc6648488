package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

const hookSecret = "3f9c0d2b7a51e864-canary"

// leasing is a cluster that holds nothing but one Lease, and a Polyaxon that holds nothing.
type leasing struct {
	mu    sync.Mutex
	lease *coordinationv1.Lease
	count int
	rings int // of the bell; each is the first one
}

func (l *leasing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.Contains(r.URL.Path, "/leases"):
		l.lead(w, r)
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/configmaps"):
		l.ring(w, r)
	default:
		nothing(w, r)
	}
}

// ring takes a ConfigMap, and forgets it.
func (l *leasing) ring(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is cut short is no bell
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that has gone needs none
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.Contains(string(body), "trefoil.dev/bell") {
		l.rings++
	}
}

// lead reads the Lease, or takes another one.
func (l *leasing) lead(w http.ResponseWriter, r *http.Request) {
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

// rung is how often the bell was rung.
func (l *leasing) rung() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rings
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
	// A process of its own: client-go logs to one place of the process, wherever it works.
	daemon := exec.Command("trefoil", "run", "--config", config)
	daemon.Stderr = f.log
	daemon.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), promptly}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(daemon.Process.Signal(os.Interrupt), daemon.Wait()); err != nil || t.Failed() {
			t.Errorf("it ended with %v and logged\n%s", err, f.log)
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
