package polyaxon

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// wire carries the requests of an engine, counts them, and breaks those that a test tells it to.
type wire struct {
	mu    sync.Mutex
	calls []string
	// fault answers instead of the server when its reply or error is not nil. through asks the server.
	fault func(r *http.Request, through func() (*http.Response, error)) (*http.Response, error)
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.calls = append(w.calls, r.Method+" "+r.URL.Path)
	fault := w.fault
	w.mu.Unlock()
	through := func() (*http.Response, error) { return http.DefaultTransport.RoundTrip(r) }
	if fault != nil {
		if reply, err := fault(r, through); reply != nil || err != nil {
			return reply, err
		}
	}
	return through()
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.calls)
}

func (w *wire) wantPosts(t *testing.T, want int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	posts, project := 0, false
	for _, call := range w.calls {
		create := strings.HasSuffix(call, "/projects/create")
		if strings.HasPrefix(call, "POST ") && (!create || !project) { // a busy server takes the project only when asked again
			posts++
		}
		project = project || create
	}
	if posts != want {
		t.Errorf("%d POSTs, want %d: %q", posts, want, w.calls)
	}
}

func isCreate(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/runs")
}

func answer(r *http.Request, code int, body string) *http.Response {
	return &http.Response{
		StatusCode: code, Request: r, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
	}
}

var errCut = errors.New("connection cut")

// lostReply: the server creates the run, its reply never comes. Apply says that it does not know, and finds the run next time.
func lostReply(b *bench) {
	b.wire.fault = func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		if !isCreate(r) {
			return nil, nil
		}
		body, _ := io.ReadAll(r.Body)
		return nil, cmp.Or(sent(r.Clone(r.Context()), body), errCut)
	}
	search := object("mnist", 2, nil)
	if err := b.engine.Apply(b.Context(), search, ""); !errors.Is(err, errCut) || !strings.Contains(err.Error(), "may have been created or not") {
		b.Fatal(err)
	}
	b.apply(search)
	b.want(plan.Running, "")
	b.wire.wantPosts(b.T, 2)
}

// slowCreate: the create commits after its time-out. Until then there is nothing to see, and nothing else is sent.
func slowCreate(b *bench) {
	late := make(chan error, 1)
	release := make(chan struct{})
	b.wire.fault = func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		if !isCreate(r) {
			return nil, nil
		}
		body, _ := io.ReadAll(r.Body)
		again := r.Clone(context.WithoutCancel(r.Context()))
		go func() {
			<-release
			late <- sent(again, body)
		}()
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	search := object("mnist", 2, nil)
	ctx, cancel := context.WithTimeout(b.Context(), b.quick)
	defer cancel()
	if err := b.engine.Apply(ctx, search, ""); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "may have been created or not") {
		b.Fatal(err)
	}
	if all := b.all(); len(all) != 0 {
		b.Fatal(all)
	}
	before := b.wire.count()
	if err := b.engine.Apply(ctx, search, ""); err == nil || b.wire.count() != before {
		b.Fatalf("with a context that has ended %d requests were sent: %v", b.wire.count()-before, err)
	}
	close(release)
	if err := <-late; err != nil {
		b.Fatal(err)
	}
	b.apply(search)
	b.want(plan.Running, "")
	b.wire.wantPosts(b.T, 2)
}

// sent sends a request until the server takes it: a busy one answers an empty 405 and does nothing.
func sent(r *http.Request, body []byte) error {
	for {
		r.Body = io.NopCloser(bytes.NewReader(body))
		reply, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return err
		}
		reply.Body.Close()
		if reply.StatusCode == http.StatusCreated {
			return nil
		}
	}
}

// storm: a locked database answers two of three requests, of whatever kind, with an empty 405 or 500. Nothing is done twice.
func storm(b *bench) {
	asked := map[string]int{}
	b.wire.fault = func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		b.wire.mu.Lock()
		defer b.wire.mu.Unlock()
		call := r.Method + r.URL.Path
		if asked[call]++; asked[call]%3 == 0 {
			return nil, nil
		}
		if r.Method == http.MethodGet {
			return answer(r, http.StatusInternalServerError, ""), nil
		}
		return answer(r, http.StatusMethodNotAllowed, ""), nil
	}
	b.apply(object("mnist", 1, nil))
	o := b.want(plan.Running, "")
	b.train(o.Experiments[0].UID, 0.5)
	b.write(o.Experiments[0].UID, "model.dat", "weights")
	if err := b.engine.Fetch(b.Context(), o.Experiments[0].UID, "model.dat"); err != nil {
		b.Fatal(err)
	}
	if o := b.want(plan.Succeeded, ""); len(o.Experiments[0].Artifacts) != 1 {
		b.Fatalf("%+v", o)
	}
}

// truncated: each first reply to a GET ends in the middle, as when the server is killed.
func truncated(b *bench) {
	b.apply(object("mnist", 1, nil))
	x := b.want(plan.Running, "").Experiments[0].UID
	b.train(x, 0.5)
	weights := strings.Repeat("weights", 1000)
	b.write(x, "model.dat", weights)
	cut := map[string]bool{}
	b.wire.fault = func(r *http.Request, through func() (*http.Response, error)) (*http.Response, error) {
		b.wire.mu.Lock()
		defer b.wire.mu.Unlock()
		if r.Method != http.MethodGet || cut[r.URL.String()] {
			return nil, nil
		}
		cut[r.URL.String()] = true
		reply, err := through()
		if err != nil {
			return nil, err
		}
		whole := reply.Body
		reply.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(whole, 10), broken{}), whole}
		return reply, nil
	}
	if err := b.engine.Fetch(b.Context(), x, "model.dat"); err != nil {
		b.Fatal(err)
	}
	o := b.want(plan.Succeeded, "")
	sum := sha256.Sum256([]byte(weights))
	if got, want := o.Experiments[0].Artifacts["model.dat"], hex.EncodeToString(sum[:]); got != want {
		b.Fatalf("sha256 %s, want %s", got, want)
	}
	if len(cut) != 4 {
		b.Fatalf("cut %v", cut)
	}
}

// broken is the end of a connection that died.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// oneBroken: where the experiments of one search can't be read the other searches are as they are.
func oneBroken(b *bench) {
	b.apply(object("mnist", 1, nil))
	bad := b.observe()
	b.apply(object("digits", 1, nil))
	b.wire.fault = func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		if r.FormValue("query") == "pipeline:"+bad.UID {
			return answer(r, http.StatusForbidden, `{"detail":"no"}`), nil
		}
		return nil, nil
	}
	for _, o := range b.all() {
		if strings.Contains(o.Message, "could not be read") != (o.UID == bad.UID) || o.Phase != plan.Running {
			b.Errorf("%+v", o)
		}
	}
}
