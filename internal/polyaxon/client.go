package polyaxon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	largest    = 64 << 20    // bytes of one JSON reply, unpacked
	callLimit  = time.Minute // of one call with its repetitions; a create has its context's time alone
	firstPause = 100 * time.Millisecond
	longest    = 30 // times the first pause, between two tries
)

// tries is how often a request is sent at most. Writes are what a locked database refuses, while others write; of a server
// that is not there people want to hear soon.
func tries(method string) int {
	if method == http.MethodGet {
		return 6
	}
	return 12
}

// client speaks HTTP with the server: one JSON request at a time, repeated where that is safe.
type client struct {
	base  *url.URL
	http  *http.Client
	log   *slog.Logger
	pause time.Duration // before the second try; grows from there
	limit int64         // bytes of one JSON reply
	// authorize adds the token. A function hides it also from those who print the struct around it.
	authorize func(http.Header)
	// clean makes text of others fit for people to read.
	clean func(string) string
}

func newClient(base *url.URL, o Options) client {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	// A redirect would turn a POST into a GET and could carry the token elsewhere.
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client{
		base: base, log: log, pause: firstPause, limit: largest,
		http: &http.Client{Transport: o.Transport, CheckRedirect: refuse},
		authorize: func(h http.Header) {
			if o.Token != "" {
				h.Set("Authorization", "Token "+string(o.Token))
			}
		},
		clean: cleaner(o.Token),
	}
}

// request is one call of the API.
type request struct {
	method string
	path   []string // segments below the base URL, unescaped
	query  url.Values
	body   any // sent as JSON unless nil
}

func get(path []string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

func post(path []string, body any) request {
	return request{method: http.MethodPost, path: path, body: body}
}

// call sends a request that may be repeated, decodes the reply into out unless that is nil, and returns the server's clock.
func (c client) call(ctx context.Context, r request, out any) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var now time.Time
	err := c.repeat(ctx, r, func() error {
		header, body, err := c.once(ctx, r)
		if err != nil {
			return err
		}
		if now, err = http.ParseTime(header.Get("Date")); err != nil {
			return fmt.Errorf("%s: the reply has no date; is there a proxy that removes it? %s", c.name(r), c.clean(err.Error()))
		}
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(body, out); err != nil {
			return fmt.Errorf("%s: the reply is not what Polyaxon 2 sends; check the URL: %s", c.name(r), c.clean(err.Error()))
		}
		return nil
	})
	return now, err
}

// repeat does something until it succeeds or fails for good, with growing pauses.
func (c client) repeat(ctx context.Context, r request, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == tries(r.method) || !transient(err) || ctx.Err() != nil {
			return err
		}
		c.log.DebugContext(ctx, "polyaxon: try again", "call", c.name(r), "try", try, "err", err)
		if c.wait(ctx, try) != nil {
			return err
		}
	}
}

// wait pauses after a failed try: twice as long each time, and shortened at random so that many clients spread.
func (c client) wait(ctx context.Context, try int) error {
	gap := min(c.pause<<(try-1), c.pause*longest)
	timer := time.NewTimer(gap/2 + rand.N(gap/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// once sends a request once and reads the reply, whose status is 2xx when the error is nil.
func (c client) once(ctx context.Context, r request) (http.Header, []byte, error) {
	reply, err := c.open(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, c.limit+1))
	if err != nil {
		return nil, nil, c.broken(c.name(r), err)
	}
	if int64(len(body)) > c.limit {
		return nil, nil, fmt.Errorf("%s: the reply is larger than %d MiB", c.name(r), c.limit>>20)
	}
	return reply.Header, body, nil
}

// open sends a request once. The body of the reply, whose status is 2xx, is the caller's to read and close. Go's transport
// unpacks the gzip that the server sends whether it was asked to or not.
func (c client) open(ctx context.Context, r request) (*http.Response, error) {
	// A context that has ended sends nothing, whatever the transport thinks of it.
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("%s: not sent: %w", c.name(r), err)
	}
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name(r), err)
		}
		body = bytes.NewReader(text)
	}
	target := c.base.JoinPath(r.path...)
	target.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name(r), err)
	}
	req.Header.Set("Content-Type", "application/json")
	c.authorize(req.Header)
	reply, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(c.name(r), err)
	}
	if reply.StatusCode/100 == 2 {
		return reply, nil
	}
	defer reply.Body.Close()
	return nil, c.refusal(c.name(r), reply)
}

// name is how errors and the log call a request: the path shows which setting is wrong, the query only confuses.
func (c client) name(r request) string { return r.method + " " + c.base.JoinPath(r.path...).Path }
