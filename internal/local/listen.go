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

// listen serves HTTP until ctx ends.
func listen(ctx context.Context, socket net.Listener, handler http.Handler) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	go func() { _ = server.Serve(socket) }() // until closed
	context.AfterFunc(ctx, func() { _ = server.Close() })
}
