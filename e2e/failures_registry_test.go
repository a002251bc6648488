//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// outage is a registry that is down for a minute, for what is pushed below a path: from the second request of a push on.
type outage struct {
	path string

	mu           sync.Mutex
	requests     int // of a push
	refused      int
	since, taken time.Time // taken: when it had the image
}

func (o *outage) filter(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if strings.HasPrefix(r.URL.Path, o.path) && o.down(r) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	next.ServeHTTP(w, r)
}

// down notes a request below the path, and reports whether it finds the registry down.
func (o *outage) down(r *http.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if o.requests++; o.requests == 2 {
			o.since = time.Now()
		}
	}
	if !o.since.IsZero() && time.Since(o.since) < time.Minute {
		o.refused++
		return true
	}
	if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, o.path+"manifests/") {
		o.taken = time.Now()
	}
	return false
}

// wasDown holds that the registry was down in the middle of a push, which ended well after that.
func (f *failures) wasDown() {
	f.Helper()
	f.outage.mu.Lock()
	defer f.outage.mu.Unlock()
	pushed := f.outage.taken.Sub(f.outage.since)
	f.Logf("the registry answered 503 %d times, and took the image %.0f s after the first one", f.outage.refused, pushed.Seconds())
	if f.outage.refused == 0 || pushed < time.Minute {
		f.Error("the registry was not down for a minute in the middle of a push")
	}
}

// busy is a registry that answers 503 for what is pulled below a path, from the first request on: longer than a builder asks by itself.
type busy struct {
	path string

	mu      sync.Mutex
	since   time.Time
	refused int
}

func (b *busy) filter(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if strings.HasPrefix(r.URL.Path, b.path) && b.down() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	next.ServeHTTP(w, r)
}

func (b *busy) down() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		b.since = time.Now()
	}
	down := time.Since(b.since) < 30*time.Second
	if down {
		b.refused++
	}
	return down
}

// serveBase gives the model busy a base image of its own.
func (f *failures) serveBase() {
	f.Helper()
	from, err := name.ParseReference(stack.ImageTools, name.Insecure)
	f.must(err)
	image, err := remote.Image(from, remote.WithContext(f.Context()))
	f.must(err)
	to, err := name.ParseReference(stack.RegistryAddress+"/busy/base:1", name.Insecure)
	f.must(err)
	f.must(remote.Write(to, image, remote.WithContext(f.Context())))
	f.busy.path = "/v2/busy/base/"
}

// wasBusy holds that Argo tried another pod for the build whose base image was not to be had.
func (f *failures) wasBusy() {
	f.Helper()
	f.busy.mu.Lock()
	defer f.busy.mu.Unlock()
	pods := f.podsOf(f.workflowsOf("busy")[0].GetName())
	f.Logf("the registry answered 503 %d times for the base image, which took %d pods", f.busy.refused, len(pods))
	if f.busy.refused == 0 || len(pods) < 2 {
		f.Error("no pod was ended by a registry that was down")
	}
}

// lacks answers a push to below a path as a registry that has no such repository, and makes none.
func lacks(path string, w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, path) {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, `{"errors": [{"code": "NAME_UNKNOWN", "message": "The repository with name 'unknown' does not exist in the registry"}]}`)
	return true
}
