//go:build e2e

package stack

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// A listener serves HTTP on a free port of 127.0.0.1 until it is closed.
type listener struct {
	url    string
	server *http.Server
}

func listen(handler http.Handler) (*listener, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	l := &listener{
		url:    "http://" + socket.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { _ = l.server.Serve(socket) }() // until close; a failure shows in the requests
	return l, nil
}

// close cuts off requests that are still running.
func (l *listener) close() error { return l.server.Close() }
