package seldon_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/local/seldon"
)

const predictions = "/api/v1.0/predictions"

// A held model says when a request has come, and answers it when told to.
type held struct {
	addr          string
	came, answers chan struct{}
}

func hold(t *testing.T) held {
	h := held{came: make(chan struct{}), answers: make(chan struct{})}
	h.addr = model(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		h.came <- struct{}{}
		select {
		case <-h.answers:
			_, _ = io.WriteString(w, "old")
		case <-r.Context().Done():
		}
	})
	return h
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func named(t *testing.T, name string) string {
	return model(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

// TestSwitchDrains: requests that the old process has in work end there, new ones go to the new one, and only then is the old one drained.
func TestSwitchDrains(t *testing.T) {
	f, url := front(t)
	old := hold(t)
	f.Route("ml", "mnist", old.addr)
	answers := make(chan exchange, 2)
	for range 2 {
		go func() { answers <- exchange{Method: http.MethodPost, Path: predictions}.ask(t, url) }()
		<-old.came
	}
	drained := f.Route("ml", "mnist", named(t, "new"))
	if got := (exchange{Method: http.MethodPost, Path: predictions}).ask(t, url); got.body() != "new" {
		t.Errorf("after the switch %q answers", got.body())
	}
	for left := 2; left > 0; left-- {
		if closed(drained) {
			t.Errorf("drained with %d requests in work", left)
		}
		old.answers <- struct{}{}
		if got := <-answers; got.Status != http.StatusOK || got.body() != "old" {
			t.Errorf("a request that had begun got %d %q", got.Status, got.body())
		}
	}
	<-drained
}

func TestDropDrains(t *testing.T) {
	f, url := front(t)
	old := hold(t)
	f.Route("ml", "mnist", old.addr)
	answers := make(chan exchange, 1)
	go func() { answers <- exchange{Method: http.MethodPost, Path: predictions}.ask(t, url) }()
	<-old.came
	drained := f.Drop("ml", "mnist")
	if closed(drained) {
		t.Error("drained with a request in work")
	}
	old.answers <- struct{}{}
	<-drained
	if got := <-answers; got.body() != "old" {
		t.Errorf("%q answers", got.body())
	}
}

// TestSameRoute: naming the process that is there already interrupts nothing.
func TestSameRoute(t *testing.T) {
	f, url := front(t)
	addr := named(t, "same")
	<-f.Route("ml", "mnist", addr)
	<-f.Route("ml", "mnist", addr)
	if got := (exchange{Method: http.MethodPost, Path: predictions}).ask(t, url); got.body() != "same" {
		t.Errorf("%q answers", got.body())
	}
}

// TestHangUp: nobody waits for the answer of a client that is gone.
func TestHangUp(t *testing.T) {
	f, url := front(t)
	old := hold(t)
	f.Route("ml", "mnist", old.addr)
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := exchange{Method: http.MethodPost, Path: predictions}.send(ctx, url)
		ended <- err
	}()
	<-old.came
	drained := f.Drop("ml", "mnist")
	hangUp()
	if err := <-ended; err == nil {
		t.Error("the request was answered")
	}
	<-drained
}

// TestHalfBody: a body that breaks off asks no model.
func TestHalfBody(t *testing.T) {
	f := seldon.NewFront()
	f.Route("ml", "mnist", model(t, func(http.ResponseWriter, *http.Request) { t.Error("the model is asked") }))
	broken := io.MultiReader(strings.NewReader(`{"data":`), errorReader{})
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/seldon/ml/mnist"+predictions, broken))
	if want := `{"status":{"code":500,"info":"unexpected EOF","status":"FAILURE"}}`; w.Code != 500 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestSwitchUnderLoad switches while clients ask: no request fails, and a process that is drained has none in work.
func TestSwitchUnderLoad(t *testing.T) {
	const clients, switches = 8, 50
	f, url := front(t)
	var asked [switches + 1]atomic.Int64
	start := func(i int) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked[i].Add(1)
			_, _ = io.Copy(w, r.Body)
			asked[i].Add(-1)
		}))
	}
	current := start(0)
	f.Route("ml", "mnist", current.Listener.Addr().String())
	stop := make(chan struct{})
	var served atomic.Int64
	var load sync.WaitGroup
	for c := range clients {
		load.Go(func() {
			for i := 0; !closed(stop); i++ {
				body := fmt.Sprintf("%d of %d", i, c)
				if got := (exchange{Method: http.MethodPost, Path: predictions, Body: &body}).ask(t, url); got.Status != 200 || got.body() != body {
					t.Errorf("%d %s", got.Status, got.body())
				}
				served.Add(1)
			}
		})
	}
	for i := range switches {
		for before := served.Load(); served.Load() < before+clients; { // the one before has answered some
			if got := (exchange{Method: http.MethodGet, Path: "/ready"}).ask(t, url); got.Status != 200 {
				t.Errorf("not ready: %d", got.Status)
			}
		}
		next := start(i + 1)
		<-f.Route("ml", "mnist", next.Listener.Addr().String())
		if n := asked[i].Load(); n != 0 {
			t.Errorf("drained with %d requests in work", n)
		}
		current.CloseClientConnections() // what a process does that ends
		current.Close()
		current = next
	}
	close(stop)
	load.Wait()
	current.Close()
}
