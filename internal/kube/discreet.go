package kube

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// discreet takes the credentials that were sent out of what comes back where that becomes an error: a server, or a proxy before it,
// may repeat them. It stands below what adds them to a request, so that it knows them wherever they come from and however often
// they change.
type discreet struct {
	next http.RoundTripper

	mu    sync.Mutex
	sent  string // the header that clean is for
	clean func(string) string
}

// discreetly is a rest.Config's WrapTransport.
func discreetly(next http.RoundTripper) http.RoundTripper { return &discreet{next: next} }

// RoundTrip is that of the next, without the credentials in what may be told.
func (d *discreet) RoundTrip(request *http.Request) (*http.Response, error) {
	reply, err := d.next.RoundTrip(request)
	sent := request.Header.Get("Authorization")
	switch {
	case sent == "":
		return reply, err
	case err != nil:
		if text := d.cleaner(sent)(err.Error()); text != err.Error() {
			return nil, errors.New(text) // its cause would tell
		}
		return nil, err
	case reply.StatusCode/100 == 1 || usual(request, reply):
		return reply, nil
	}
	if err := d.rewrite(reply, d.cleaner(sent)); err != nil {
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

// rewrite cleans the headers and the body. Of a body that is too long for an error the rest is dropped.
func (d *discreet) rewrite(reply *http.Response, clean func(string) string) error {
	const enough = 256 << 10
	body, err := io.ReadAll(io.LimitReader(reply.Body, enough))
	if closed := reply.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	for _, values := range reply.Header {
		for i := range values {
			values[i] = clean(values[i])
		}
	}
	text := clean(string(body))
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader([]byte(text))), int64(len(text))
	reply.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// cleaner is for what one Authorization header carries; it is kept while that stays the same.
func (d *discreet) cleaner(sent string) func(string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sent != sent {
		d.sent, d.clean = sent, redact.Authorization(sent)
	}
	return d.clean
}
