//go:build e2e

package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// bareFollower is a daemon under way.
type bareFollower struct {
	pid   int
	plans chan string // lines of its log that say what it plans on

	mu            sync.Mutex
	daemon, child int // the peaks of their resident memory, in bytes
}

// follow starts a daemon for the repository at url, with a cluster that has nothing but a Lease, and a Polyaxon that refuses everything.
func followBare(b *testing.B, trefoil, url string) *bareFollower {
	cluster := httptest.NewServer(new(leases))
	b.Cleanup(cluster.Close)
	file := filepath.Join(b.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig(cluster.URL)), 0o600); err != nil {
		b.Fatal(err)
	}
	command := exec.CommandContext(b.Context(), trefoil, "run", "--repo", url, "--poll", "1s", "--polyaxon-url", cluster.URL)
	command.Env = append(os.Environ(), "KUBECONFIG="+file)
	log, err := command.StderrPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	p, over := &bareFollower{pid: command.Process.Pid, plans: make(chan string, 100)}, make(chan struct{})
	go p.read(log)
	go p.watch(over)
	b.Cleanup(func() {
		close(over)
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return p
}

func (p *bareFollower) read(log io.Reader) {
	defer close(p.plans)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if strings.Contains(lines.Text(), `msg="planning on"`) {
			p.plans <- lines.Text()
		}
	}
}

// await returns once the daemon plans on a commit, all of whose models are sound.
func (p *bareFollower) await(b *testing.B, commit string, models int) {
	for line := range p.plans {
		if strings.HasSuffix(line, fmt.Sprintf("commit=%s models=%d findings=0", commit, models)) {
			return
		}
		if !strings.Contains(line, fmt.Sprintf("models=%d ", models)) {
			b.Fatalf("want %d models: %s", models, line)
		}
	}
	b.Fatal("the daemon ended")
}

// watch looks at how much memory the daemon and its child have had, again and again, since a child may end at any time.
func (p *bareFollower) watch(over <-chan struct{}) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
			p.look()
		}
	}
}

func (p *bareFollower) look() {
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, file := range files {
		text, err := os.ReadFile(file)
		switch {
		case err != nil: // it has ended
		case figure(text, "Pid") == p.pid:
			p.daemon = max(p.daemon, figure(text, "VmHWM")<<10)
		case figure(text, "PPid") == p.pid:
			p.child = max(p.child, figure(text, "VmHWM")<<10)
		}
	}
}

// figure is a number that Linux says about a process.
func figure(status []byte, name string) int {
	found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindSubmatch(status)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

func (p *bareFollower) peaks() (daemon, child int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.daemon, p.child
}

// leases is a cluster that keeps one Lease and forbids all else.
type leases struct {
	mu   sync.Mutex
	kept *coordinationv1.Lease
	n    int // versions
}

// ServeHTTP answers about the Lease, whatever version of it a change is about: there is one daemon.
func (l *leases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case !strings.Contains(r.URL.Path, "/leases"):
		reply(w, http.StatusForbidden, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403})
		return
	case r.Method == http.MethodGet && l.kept == nil:
		status(w, map[string]any{"kind": "leases"})
		return
	case r.Method != http.MethodGet:
		body, _ := io.ReadAll(r.Body) // what is cut short is no Lease
		sent, _, _ := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
		lease, ok := sent.(*coordinationv1.Lease)
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		l.n++
		lease.ResourceVersion, lease.UID = strconv.Itoa(l.n), "u"
		lease.SetGroupVersionKind(coordinationv1.SchemeGroupVersion.WithKind("Lease"))
		l.kept = lease
	}
	reply(w, http.StatusOK, l.kept)
}
