//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// fate is what becomes of the request at which the daemon is killed.
type fate int

const (
	dropped fate = iota // the server never hears of it
	halved              // the server gets the first half of its body
	carried             // the server carries it out, the reply is lost
	late                // the server gets it when the next daemon lives already
)

// lateness is the most that a request is late: no daemon may have given it up by then.
const lateness = 20 * time.Second

// place is where a server can be made to see requests before it answers them.
type place interface{ Filter(stack.Filter) }

// match reports whether a request with this body is meant.
type match func(r *http.Request, body string) bool

// trap kills the daemon (SIGKILL) at the first request that matches.
type trap struct {
	at      place
	matches match
	fate    fate
}

// set arms the trap; what it returns is closed once the daemon is dead.
func (w *world) set(t trap) <-chan struct{} {
	sprung, dead := atomic.Bool{}, make(chan struct{})
	t.at.Filter(func(out http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodGet {
			next.ServeHTTP(out, r) // watches among them, which have no end
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if !t.matches(r, string(body)) || !sprung.CompareAndSwap(false, true) {
			next.ServeHTTP(out, with(r.Context(), r, body))
			return
		}
		w.spring(t.fate, with(context.WithoutCancel(r.Context()), r, body), next, func() { w.kill(); close(dead) })
		panic(http.ErrAbortHandler)
	})
	return dead
}

// spring kills the daemon. The request goes on without its sender.
func (w *world) spring(f fate, r *http.Request, next http.Handler, kill func()) {
	nobody := httptest.NewRecorder()
	switch f {
	case dropped:
		kill()
	case halved:
		kill()
		r.ContentLength /= 2
		r.Body = io.NopCloser(io.LimitReader(r.Body, r.ContentLength))
		next.ServeHTTP(nobody, r)
	case carried:
		next.ServeHTTP(nobody, r)
		kill()
	case late:
		kill()
		seen := w.looks()
		for begin := time.Now(); w.looks() < seen+3 && time.Since(begin) < lateness; { // by the third one what the first one saw is acted on
			time.Sleep(lateness / 200)
		}
		next.ServeHTTP(nobody, r)
	}
}

// with is the request with a body that is known in full.
func with(ctx context.Context, r *http.Request, body []byte) *http.Request {
	r = r.Clone(ctx)
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	return r
}

// created matches the create of an object in the API server whose name begins so.
func created(resource, prefix string) match {
	return func(r *http.Request, body string) bool {
		var object struct{ Metadata struct{ Name string } }
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/"+resource) &&
			json.Unmarshal([]byte(body), &object) == nil && strings.HasPrefix(object.Metadata.Name, prefix)
	}
}

// submitted matches the create of a search in Polyaxon whose name begins so.
func submitted(prefix string) match {
	return func(r *http.Request, body string) bool {
		var search struct{ Name string }
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/runs") &&
			json.Unmarshal([]byte(body), &search) == nil && strings.HasPrefix(search.Name, prefix)
	}
}

// noted matches the note of an artifact's sha256, the last that happens of a search before its release is committed.
func noted(r *http.Request, body string) bool {
	return r.Method == http.MethodPatch && strings.Contains(body, "trefoil_sha256:")
}

// pushed matches a push.
func pushed(r *http.Request, _ string) bool {
	return strings.HasSuffix(r.URL.Path, "/git-receive-pack")
}
