package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

const loopback = "127.0.0.1"

// answer begins to answer predictions.
func (e *Engine) answer(ctx context.Context, port int) (string, error) {
	socket, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		socket, err = net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	}
	if err != nil {
		return "", fmt.Errorf("predictions can't be answered: %w", err)
	}
	listen(ctx, socket, e.front)
	return "http://" + socket.Addr().String(), nil
}

// local refuses requests that were meant for another host: a web page can make its own name lead here.
func local(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "only asked as 127.0.0.1 or localhost", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// listen serves HTTP until ctx ends.
func listen(ctx context.Context, socket net.Listener, handler http.Handler) {
	server := &http.Server{
		Handler: local(handler), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	go func() { _ = server.Serve(socket) }() // until closed
	context.AfterFunc(ctx, func() { _ = server.Close() })
}
