package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// web speaks git's smart protocol over http and https, with a client of its own, which is made anew when the credentials change.
type web struct {
	access *access
	limits *limits

	mu     sync.Mutex
	used   Credentials // of the client
	client transport.Transport
	base   *http.Transport // its connections
}

func newWeb(access *access, limits *limits) (*web, error) {
	w := &web{access: access, limits: limits}
	_, err := w.current()
	return w, err
}

// current returns the client for the credentials that there are now. It is the one of before while these are the same.
func (w *web) current() (transport.Transport, error) {
	credentials, err := w.access.credentials()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.client != nil && reflect.DeepEqual(credentials, w.used) {
		return w.client, nil
	}
	base, err := newTransport(credentials)
	if err != nil {
		return nil, err
	}
	login, err := w.login(base, credentials)
	if err != nil {
		return nil, err
	}
	if w.base != nil {
		w.base.CloseIdleConnections() // nobody is known by the old ones any more
	}
	w.used, w.base = credentials, base
	w.client = githttp.NewClient(&http.Client{Transport: &cappedTransport{login, w.limits}, CheckRedirect: sameOrigin})
	return w.client, nil
}

func (w *web) login(base http.RoundTripper, credentials Credentials) (http.RoundTripper, error) {
	login := &login{base: base, origin: origin(w.access.location), header: credentials.header()}
	if !credentials.App.given() {
		return login, nil
	}
	var err error
	login.app, err = newApp(credentials.App, w.access, base)
	return login, err
}

func (w *web) read(context.Context) (reading, error) {
	client, endpoint, err := w.open()
	if err != nil {
		return nil, err
	}
	return client.NewUploadPackSession(endpoint, nil)
}

func (w *web) write(context.Context) (writing, error) {
	client, endpoint, err := w.open()
	if err != nil {
		return nil, err
	}
	return client.NewReceivePackSession(endpoint, nil)
}

func (w *web) open() (transport.Transport, *transport.Endpoint, error) {
	client, err := w.current()
	if err != nil {
		return nil, nil, err
	}
	endpoint, err := transport.NewEndpoint(w.access.location.String())
	return client, endpoint, err
}

// sameOrigin lets a server move a repository within itself, and never sends a request anywhere else: the URL in the settings
// names the one server that is spoken to.
func sameOrigin(next *http.Request, via []*http.Request) error {
	if to := origin(next.URL); to != origin(via[0].URL) {
		return fmt.Errorf("the server redirects to %s, which is not followed: put the new URL into the settings", to)
	}
	if len(via) > 10 {
		return errors.New("the server redirects in a circle")
	}
	return nil
}

func origin(of *url.URL) string {
	host := strings.ToLower(of.Host)
	if of.Scheme == "https" && of.Port() == "443" || of.Scheme == "http" && of.Port() == "80" { // go-git leaves it out
		host = strings.TrimSuffix(host, ":"+of.Port())
	}
	return of.Scheme + "://" + host
}
