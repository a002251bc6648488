package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/metrics"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// hung is how long, beside two polls, nothing may move in a daemon that is well. A pass waits a minute for each engine, and as long
// for git.
const hung = 10 * time.Minute

// health says whether the daemon is alive and ready. It is safe for concurrent use.
type health struct {
	bound   time.Duration
	settled func() bool // the cluster's caches have answered

	mu      sync.Mutex
	last    time.Time // when something moved
	looked  bool      // git has answered once
	leading bool
}

func newHealth(poll time.Duration, settled func() bool) *health {
	return &health{bound: hung + 2*poll, settled: settled, last: time.Now()}
}

// passed is called at the end of each pass.
func (h *health) passed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = time.Now()
}

// waits is called with each try to get the lease, or to renew it: that alone is no life in a daemon that leads.
func (h *health) waits() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.leading {
		h.last = time.Now()
	}
}

func (h *health) lead(leads bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leading, h.last = leads, time.Now()
}

// leads reports whether this daemon acts.
func (h *health) leads() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.leading
}

// look lists the repository until that has worked once: who waits for the lease is ready only if it could follow.
func (h *health) look(ctx context.Context, source reconcile.Source, every time.Duration) {
	for {
		_, err := source.Tip(ctx)
		if err == nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.looked = true
			return
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
}

// alive is nil while the loop moves.
func (h *health) alive() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if still := time.Since(h.last); still > h.bound {
		return fmt.Errorf("nothing has moved for %v", still.Round(time.Second))
	}
	return nil
}

// ready is nil once the cluster and git have answered.
func (h *health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.settled():
		return fmt.Errorf("the cluster has not answered yet")
	case !h.looked:
		return fmt.Errorf("the spec repository has not answered yet")
	}
	return nil
}

// serve answers the kubelet and Prometheus at an address, until closed is called; at none where that is empty. Reasons are left to
// the log: they may hold what others said.
func serve(address string, h *health, m *metrics.Metrics, log *slog.Logger) (closed func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen (--listen): %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", answer(h.alive))
	mux.HandleFunc("GET /readyz", answer(h.ready))
	mux.Handle("GET /metrics", m.Handler())
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	go func() { _ = server.Serve(socket) }() // until closed
	log.Info("listens", "address", socket.Addr().String())
	return func() { _ = server.Close() }, nil
}

// answer is 200 "ok", or 503 and why.
func answer(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := check(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}
