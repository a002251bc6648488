package gitrepo

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// newTransport makes connections of its own, by way of the proxy that the environment names. It knows no .netrc, and there is no way
// to trust everybody.
func newTransport(credentials Credentials) (*http.Transport, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("http.DefaultTransport was replaced by something that cannot be cloned")
	}
	base = base.Clone()
	base.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if len(credentials.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("certificates of the system: %w", err)
		}
		if !pool.AppendCertsFromPEM(credentials.CA) {
			return nil, errors.New("the CA bundle holds no certificate in PEM")
		}
		base.TLSClientConfig.RootCAs = pool
	}
	if len(credentials.Certificate) > 0 {
		pair, err := tls.X509KeyPair(credentials.Certificate, credentials.CertificateKey)
		if err != nil {
			return nil, errors.New("the client certificate and its key are not PEM, or not a pair") // not err: it may quote them
		}
		base.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return base, nil
}

// login says with each request who is asking, and to no other server than the one that it is meant for.
type login struct {
	base   http.RoundTripper
	origin string
	header string
	app    *app // nil: the header is what it is
}

// RoundTrip is the base's. A token of an App that the server does not take any more is replaced once.
func (l *login) RoundTrip(request *http.Request) (*http.Response, error) {
	if origin(request.URL) != l.origin {
		return nil, errors.New("a request to another server was refused")
	}
	if l.app == nil {
		return l.send(request, l.header)
	}
	token, err := l.app.token(request.Context())
	if err != nil {
		return nil, err
	}
	response, err := l.send(request, basic(appUser, token))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	l.app.drop(token)
	again := request.Clone(request.Context())
	if request.Body != nil {
		if request.GetBody == nil {
			return response, nil
		}
		if again.Body, err = request.GetBody(); err != nil {
			return response, nil //nolint:nilerr // the answer that there is says what is wrong
		}
	}
	_ = response.Body.Close()
	if token, err = l.app.token(request.Context()); err != nil {
		return nil, err
	}
	return l.send(again, basic(appUser, token))
}

func (l *login) send(request *http.Request, header string) (*http.Response, error) {
	if header != "" {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", header)
	}
	return l.base.RoundTrip(request)
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
	if err := unanswered(response); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	body := io.Reader(&capped{response.Body, t.limits.pack, t.limits.overPack()})
	if request.Method != http.MethodPost {
		body = &capped{response.Body, t.limits.refs, t.limits.overRefs()}
		if response.StatusCode == http.StatusOK {
			body = newAdvert(body)
		}
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{body, response.Body}
	return response, nil
}

// unanswered is what is wrong with an answer that go-git has no words for.
func unanswered(response *http.Response) error {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")) // "" where it is none
	switch status := response.StatusCode; {
	case status == http.StatusOK && kind == "text/html":
		return errPage
	case status == http.StatusUnauthorized, status == http.StatusNotFound:
		return nil
	case status == http.StatusForbidden && response.Header.Get("Retry-After") == "":
		return nil
	case status >= http.StatusBadRequest:
		return answered(response, time.Now())
	}
	return nil
}
