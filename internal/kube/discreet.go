package kube

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// discreet takes the credentials that were sent out of what comes back where that becomes an error: a server, or a proxy before it,
// may repeat them. It stands below what adds them to a request, so that it knows them wherever they come from and however often
// they change.
type discreet struct {
	next    http.RoundTripper
	proxy   func(*http.Request) (*url.URL, error)
	longest int64         // bytes of what is told; the rest is dropped
	told    bool          // answers are told as well as errors
	sent    redact.Memory // tokens are made anew each hour
}

// enough bytes of what is too long for an error.
const enough = 256 << 10

// discreetly is a rest.Config's WrapTransport.
func discreetly(config *rest.Config) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return &discreet{next: next, proxy: proxyOf(config), longest: enough}
	}
}

// tellingly is discreetly where people read the answers too, of which so many bytes matter.
func tellingly(config *rest.Config, longest int64) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return &discreet{next: next, proxy: proxyOf(config), longest: longest, told: true}
	}
}

// proxyOf is the proxy of a cluster, that of the environment where it names none.
func proxyOf(config *rest.Config) func(*http.Request) (*url.URL, error) {
	if config.Proxy != nil {
		return config.Proxy
	}
	return http.ProxyFromEnvironment
}

// RoundTrip is that of the next, without the credentials in what may be told.
func (d *discreet) RoundTrip(request *http.Request) (*http.Response, error) {
	reply, err := d.next.RoundTrip(request)
	sent := d.secrets(request)
	d.sent.AddBrief(sent...)
	switch {
	case len(sent) == 0:
		return reply, err
	case err != nil:
		if text := d.sent.Clean(err.Error()); text != err.Error() {
			return nil, errors.New(text) // its cause would tell
		}
		return nil, err
	case reply.StatusCode/100 == 1 || !d.told && usual(request, reply):
		return reply, nil
	}
	if err := d.rewrite(reply); err != nil {
		return nil, err
	}
	return reply, nil
}

// usual reports whether a reply holds objects. Then its text is read as data, not told.
func usual(request *http.Request, reply *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	switch {
	case reply.StatusCode/100 != 2 || kind != "application/json":
		return false
	case request.URL.Query().Get("watch") != "": // a stream, which may be silent for long
		return true
	}
	const beginning = 1 << 10
	body := bufio.NewReaderSize(reply.Body, beginning)
	begin, _ := body.Peek(beginning) // an error comes again when it is read
	reply.Body = struct {
		io.Reader
		io.Closer
	}{body, reply.Body}
	return bytes.Contains(begin, []byte(`"kind"`))
}

// rewrite cleans the headers and the body.
func (d *discreet) rewrite(reply *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(reply.Body, d.longest))
	if closed := reply.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	for _, values := range reply.Header {
		for i := range values {
			values[i] = d.sent.Clean(values[i])
		}
	}
	text := d.sent.Clean(string(body))
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader([]byte(text))), int64(len(text))
	reply.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// secrets are what a request carries to the server and to the proxy before it.
func (d *discreet) secrets(request *http.Request) []string {
	at, _ := d.proxy(request) // who has none has no password for it
	all := redact.OfURL(at)
	if header := request.Header.Get("Authorization"); header != "" {
		all = append(all, redact.Authorization(header)...)
	}
	return all
}
