package gitrepo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// web speaks git's smart protocol over http and https, with a client of its own.
type web struct {
	url    string
	auth   transport.AuthMethod
	client transport.Transport
}

func newWeb(location *url.URL, options Options, limits *limits) (*web, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("http.DefaultTransport was replaced by something that cannot be cloned")
	}
	base = base.Clone()
	if len(options.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("certificates of the system: %w", err)
		}
		if !pool.AppendCertsFromPEM(options.CA) {
			return nil, errors.New("the CA bundle holds no certificate in PEM")
		}
		base.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	remote := &web{
		url:    location.String(),
		client: githttp.NewClient(&http.Client{Transport: &cappedTransport{base, limits}, CheckRedirect: sameOrigin}),
	}
	if options.Password != "" {
		remote.auth = &githttp.BasicAuth{Username: options.username(), Password: options.Password}
	}
	return remote, nil
}

// username is never empty, because servers that take a token with any username still want one.
func (o Options) username() string {
	if o.Username == "" {
		return "git"
	}
	return o.Username
}

func (w *web) read(context.Context) (reading, error) {
	endpoint, err := transport.NewEndpoint(w.url)
	if err != nil {
		return nil, err
	}
	return w.client.NewUploadPackSession(endpoint, w.auth)
}

func (w *web) write(context.Context) (writing, error) {
	endpoint, err := transport.NewEndpoint(w.url)
	if err != nil {
		return nil, err
	}
	return w.client.NewReceivePackSession(endpoint, w.auth)
}

// sameOrigin lets a server move a repository within itself, and never sends a request anywhere else: the URL in the settings
// names the one server that is spoken to.
func sameOrigin(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return fmt.Errorf("the server redirects to %s://%s, which is not followed: put the new URL into the settings", next.URL.Scheme, next.URL.Host)
	}
	return nil
}

// cappedTransport bounds every body that a server sends: a GET is answered with a list of references, a POST with a pack or a report.
type cappedTransport struct {
	base   http.RoundTripper
	limits *limits
}

// RoundTrip is the base's, with a bounded body and without redirects that are no URL: net/http would quote those piece by piece,
// and a server may have put into them what it was sent.
func (t *cappedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if _, err := url.Parse(response.Header.Get("Location")); err != nil {
		_ = response.Body.Close()
		return nil, errors.New("the server redirects to something that is not a URL")
	}
	most := t.limits.refs
	if request.Method == http.MethodPost {
		most = t.limits.pack
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{&capped{response.Body, most}, response.Body}
	return response, nil
}
