package seldon

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	dialTimeout  = 5 * time.Second
	modelTimeout = 5 * time.Minute  // for an answer of a model; the executor has no limit
	idleTimeout  = 30 * time.Second // below the minute after which Server ends an idle connection, so that none ends under a request
	idlePerModel = 64               // connections
)

// Front answers /seldon/NAMESPACE/NAME/... for all deployments, as ingress and executor do: an http.Handler. It is safe for concurrent
// use. Make one with NewFront.
type Front struct {
	client *http.Client

	mu     sync.Mutex
	routes map[deployment]*backend
}

// A deployment is what a request names in its path.
type deployment struct{ namespace, name string }

// A backend is a process that a deployment's requests go to, or went to. Front.mu guards all but addr.
type backend struct {
	addr    string // host:port
	asked   int    // requests that it has not answered yet
	gone    bool   // no request will come any more
	drained chan struct{}
}

// NewFront returns a Front without routes.
func NewFront() *Front {
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxIdleConnsPerHost:   idlePerModel,
		IdleConnTimeout:       idleTimeout,
		ResponseHeaderTimeout: modelTimeout,
		DisableCompression:    true,
	}
	return &Front{
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		routes: map[deployment]*backend{},
	}
}

// Route sends the requests of a deployment to the process that listens at addr (host:port). Those that the process before it has in work
// end there; drained is closed once there are none, so that it may be ended. It is closed already if no other process was there.
func (f *Front) Route(namespace, name, addr string) (drained <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := deployment{namespace, name}
	old := f.routes[d]
	if old == nil || old.addr != addr {
		f.routes[d] = &backend{addr: addr, drained: make(chan struct{})}
		return old.retire()
	}
	none := make(chan struct{})
	close(none)
	return none
}

// Drop ends the route of a deployment: its requests get 404 from now on. drained is as for Route.
func (f *Front) Drop(namespace, name string) (drained <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := deployment{namespace, name}
	old := f.routes[d]
	delete(f.routes, d)
	return old.retire()
}

// retire is for a backend that was taken out of the routes, under Front.mu; nil if there was none.
func (b *backend) retire() <-chan struct{} {
	if b == nil {
		b = &backend{drained: make(chan struct{})}
	}
	b.gone = true
	if b.asked == 0 {
		close(b.drained)
	}
	return b.drained
}

// acquire returns the backend to ask, nil if there is none. It has to be released.
func (f *Front) acquire(d deployment) *backend {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.routes[d]
	if b != nil {
		b.asked++
	}
	return b
}

// release says that a backend has answered, or that nobody waits for the answer any more.
func (f *Front) release(b *backend) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b.asked--
	if b.gone && b.asked == 0 {
		close(b.drained)
	}
}

func (f *Front) routed(d deployment) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.routes[d] != nil
}

// ServeHTTP does the ingress's part: the prefix of the path names the deployment, what follows is the executor's.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d, path, ok := split(r.URL.Path)
	if !ok || !f.routed(d) {
		http.NotFound(w, r)
		return
	}
	f.execute(w, r, d, path)
}

// split takes /seldon/NAMESPACE/NAME/rest apart; path is /rest.
func split(full string) (d deployment, path string, ok bool) {
	rest, ok := strings.CutPrefix(full, "/seldon/")
	if !ok {
		return deployment{}, "", false
	}
	parts := strings.SplitN(rest, "/", 3)
	if len(parts) < 3 || parts[0] == "" || parts[1] == "" {
		return deployment{}, "", false
	}
	return deployment{parts[0], parts[1]}, "/" + parts[2], true
}
