//go:build e2e

package stack

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
)

// A Call is what a Counter tells requests apart by; Path has no query.
type Call struct {
	Method, Path string
}

// A Counter is a reverse proxy on 127.0.0.1 that counts what passes through it.
// The engine's own account of its requests, not the client's. Safe for
// concurrent use.
type Counter struct {
	filtered
	server *listener
	mu     sync.Mutex
	counts map[Call]int
	lose   Call // whose next reply is lost; zero for none
}

// Count starts a Counter in front of the server at target, an absolute URL.
func Count(target string) (*Counter, error) { return count(target, nil, "", "") }

// count is Count for a server whose certificate ca signed, if there is one; the
// Counter shows the certificate in certFile, if there is one.
func count(target string, ca []byte, certFile, keyFile string) (*Counter, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("counter: %w", err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(ca)
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to); r.SetXForwarded() },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}},
		FlushInterval: -1,                         // pass streams on as they come
		ErrorLog:      log.New(io.Discard, "", 0), // the client sees a 502
	}
	c := &Counter{counts: make(map[Call]int)}
	c.server, err = listenTLS(c.before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.add(Call{Method: r.Method, Path: r.URL.Path}) {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // the connection ends without a word
		}
		proxy.ServeHTTP(w, r)
	})), certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// add counts a call and reports whether its reply is to be lost.
func (c *Counter) add(call Call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[call]++
	if call != c.lose {
		return false
	}
	c.lose = Call{}
	return true
}

// Lose lets the server carry out the next such call, and its reply get lost on
// the way.
func (c *Counter) Lose(call Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lose = call
}

// URL is where the Counter listens, without a trailing slash.
func (c *Counter) URL() string { return c.server.url }

// Calls is how often each call was made so far, answered or not.
func (c *Counter) Calls() map[Call]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// Sum is how many requests so far were calls that match.
func (c *Counter) Sum(match func(Call) bool) int {
	sum := 0
	for call, n := range c.Calls() {
		if match(call) {
			sum += n
		}
	}
	return sum
}

// Writes is how many requests so far were of a method that can change the
// server.
func (c *Counter) Writes() int {
	return c.Sum(func(call Call) bool {
		return call.Method != http.MethodGet && call.Method != http.MethodHead && call.Method != http.MethodOptions
	})
}

// Close stops the Counter; its counts stay readable.
func (c *Counter) Close() error { return c.server.close() }
