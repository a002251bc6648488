package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flooded is a served handler, with a loop behind it that has one place for pokes, as reconcile.Loop has.
type flooded struct {
	*testing.T
	address string
	pokes   chan struct{}
	client  *http.Client
	closed  func()

	mu      sync.Mutex
	results map[Result]int
}

func flood(t *testing.T) *flooded {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flooded{
		T: t, address: socket.Addr().String(), pokes: make(chan struct{}, 1), results: map[Result]int{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crowd / 2, MaxConnsPerHost: crowd / 2}},
	}
	f.closed = Serve(socket, Handler(Options{
		Repository: "https://git.example.com/ml/models.git", Branch: "main",
		Secrets: func() ([]string, error) { return []string{secret}, nil },
		Poke: func() {
			select {
			case f.pokes <- struct{}{}:
			default:
			}
		},
		Count: func(r Result) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.results[r]++
		},
	}))
	t.Cleanup(f.closed)
	return f
}

// send posts a body and returns the status.
func (f *flooded) send(body io.Reader, headers ...string) (int, error) {
	r, err := http.NewRequest(http.MethodPost, "http://"+f.address+"/webhook", body)
	if err != nil {
		return 0, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := f.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// many sends n of one request, as fast as a few clients can. Each has to be answered so.
func (f *flooded) many(n, want int, body string, headers ...string) {
	f.Helper()
	var senders sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	began := time.Now()
	for range crowd / 2 {
		senders.Go(func() {
			for left.Add(-1) >= 0 {
				if got, err := f.send(strings.NewReader(body), headers...); got != want || err != nil {
					f.Errorf("answered %d (%v), want %d", got, err, want)
					return
				}
			}
		})
	}
	senders.Wait()
	f.Logf("%d answers of %d, %.0f a second", n, want, float64(n)/time.Since(began).Seconds())
}

// counted is what became of the requests so far.
func (f *flooded) counted(r Result) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.results[r]
}

// TestFault37Webhooks floods the port: unsigned, about another repository, replayed, with a body of 100 MB, and by clients that send
// nothing. Who is not signed costs no look, all that are signed one, and nothing of it stays (I7).
func TestFault37Webhooks(t *testing.T) {
	goroutines, heap := runtime.NumGoroutine(), used()
	f := flood(t)
	signed := "X-Hub-Signature-256: " + github(secret, push)
	elsewhere := strings.ReplaceAll(push, "ml/models", "ml/others")
	f.many(3000, http.StatusUnauthorized, push)
	f.many(1000, http.StatusUnauthorized, push, "X-Hub-Signature-256: "+github(next, push))
	f.many(500, http.StatusAccepted, elsewhere, "X-Hub-Signature-256: "+github(secret, elsewhere))
	f.hundredMegabytes(signed)
	if len(f.pokes) > 0 {
		t.Error("somebody looks though nothing was signed, or about another repository")
	}
	f.many(3000, http.StatusNoContent, push, signed) // the same one, again and again
	if len(f.pokes) != 1 {
		t.Errorf("%d looks are asked for", len(f.pokes))
	}
	f.slow(signed)
	f.idle(signed)
	f.closed()
	f.client.CloseIdleConnections()
	f.settles(goroutines)
	if now := used(); now > heap+8<<20 {
		t.Errorf("I7: %d bytes before, %d after", heap, now)
	}
	t.Logf("results: %v", f.results)
}

// hundredMegabytes sends a body that is far too large, of unknown length.
func (f *flooded) hundredMegabytes(signed string) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body := &endless{}
	body.left.Store(100 << 20)
	if code, err := f.send(body, signed); err == nil && code != http.StatusRequestEntityTooLarge {
		f.Errorf("100 MB are answered with %d", code)
	}
	runtime.ReadMemStats(&after)
	if n := f.counted(TooLarge); n != 1 {
		f.Errorf("%d are counted as too large", n)
	}
	if sent := 100<<20 - body.left.Load(); sent > 32<<20 {
		f.Errorf("I7: %d bytes of it were taken", sent)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		f.Errorf("I7: it took %d bytes of memory", n)
	}
}

// endless is a body without a length.
type endless struct{ left atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left.Add(-int64(len(p))) <= 0 {
		return 0, io.EOF
	}
	return len(p), nil
}

// slow has as many clients as are read at a time keep their bodies back: others are told so at once, and are taken when those have gone.
func (f *flooded) slow(signed string) {
	var clients []net.Conn
	another := func() {
		c := f.dial()
		fmt.Fprintf(c, "POST /webhook HTTP/1.1\r\nHost: a\r\n%s\r\nContent-Length: %d\r\n\r\n{", signed, len(push))
		clients = append(clients, c)
	}
	for range crowd {
		another()
	}
	f.eventually("all places are taken", func() bool {
		if len(clients) < connections-crowd { // one that came while we had the last place was sent away
			another()
		}
		code, err := f.send(strings.NewReader(push), signed)
		return err == nil && code == http.StatusServiceUnavailable
	})
	for _, c := range clients {
		c.Close()
	}
	f.eventually("there is a place again", func() bool {
		code, err := f.send(strings.NewReader(push), signed)
		return err == nil && code == http.StatusNoContent
	})
}

// idle opens more connections than are spoken to, and says nothing on them.
func (f *flooded) idle(signed string) {
	f.client.CloseIdleConnections()
	before := runtime.NumGoroutine()
	var clients []net.Conn
	for range 4 * connections {
		clients = append(clients, f.dial())
	}
	if now := runtime.NumGoroutine(); now > before+connections+crowd {
		f.Errorf("I7: %d goroutines for %d connections, %d before", now, len(clients), before)
	}
	for _, c := range clients {
		c.Close()
	}
	f.eventually("a signed one is taken", func() bool {
		code, err := f.send(bytes.NewReader([]byte(push)), signed)
		return err == nil && code == http.StatusNoContent
	})
}

// TestBounded: who is one too many waits until another has gone, or the socket is closed.
func TestBounded(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, b, accepted := &flooded{T: t, address: socket.Addr().String()}, bound(socket, 2), make(chan net.Conn)
	ended := make(chan struct{})
	go func() {
		for {
			c, err := b.Accept()
			if err != nil {
				close(ended)
				return
			}
			accepted <- c
		}
	}()
	for range 4 {
		defer f.dial().Close()
	}
	first, second := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Error("a third one is accepted")
	default:
	}
	first.Close()
	first.Close() // makes room once
	(<-accepted).Close()
	second.Close()
	if len(b.open) > 2 {
		t.Errorf("%d are open", len(b.open))
	}
	b.Close()
	select {
	case c := <-accepted: // the fourth one may have been faster
		c.Close()
		<-ended
	case <-ended:
	}
}

func (f *flooded) dial() net.Conn {
	f.Helper()
	c, err := net.Dial("tcp", f.address)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// settles waits until there are no more goroutines than before.
func (f *flooded) settles(before int) {
	f.eventually(fmt.Sprintf("goroutines are %d again", before), func() bool { return runtime.NumGoroutine() <= before })
}

func (f *flooded) eventually(what string, done func() bool) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(time.Millisecond); !done(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Fatalf("not within a minute: %s", what)
		}
	}
}

// used is what the heap holds.
func used() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
