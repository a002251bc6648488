//go:build e2e

package stack

import (
	"net/http"
	"path/filepath"
	"sync/atomic"
)

// A Filter stands before a server and sees each request first. It passes the
// request on to next, answers it itself, or does more than that. It may run
// many times at once.
type Filter func(w http.ResponseWriter, r *http.Request, next http.Handler)

// filtered is what stands before a server now: nothing, at first.
type filtered struct{ filter atomic.Pointer[Filter] }

// Filter puts f before the server in place of what stood there; nil takes that
// away. Requests that are under way already go on as they began.
func (x *filtered) Filter(f Filter) {
	if f == nil {
		x.filter.Store(nil)
		return
	}
	x.filter.Store(&f)
}

func (x *filtered) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := x.filter.Load(); f != nil {
			(*f)(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// CountKube starts a Counter in front of the API server, and writes a
// kubeconfig with which user goes through it.
func (s *Stack) CountKube(user string) (c *Counter, kubeconfig string, err error) {
	// It shows the server's own certificate, which is good for this address too.
	own := s.path("apiserver")
	c, err = count(s.access.server, s.access.ca, filepath.Join(own, "tls.crt"), filepath.Join(own, "tls.key"))
	if err != nil {
		return nil, "", err
	}
	through, kubeconfig := s.access, s.path(user+"-counted.kubeconfig")
	through.server = c.URL()
	if err := through.writeKubeconfig(kubeconfig, user); err != nil {
		_ = c.Close()
		return nil, "", err
	}
	return c, kubeconfig, nil
}
