//go:build e2e

package stack

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// A listener serves HTTP on a free port of 127.0.0.1 until it is closed.
type listener struct {
	url    string
	server *http.Server
}

func listen(handler http.Handler) (*listener, error) { return listenTLS(handler, "", "") }

// listenTLS is listen with a certificate; without one it is plain HTTP.
func listenTLS(handler http.Handler, certFile, keyFile string) (*listener, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	l := &listener{
		url:    "http://" + socket.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)},
	}
	if certFile == "" {
		go func() { _ = l.server.Serve(socket) }() // until close; a failure shows in the requests
		return l, nil
	}
	l.url = "https://" + socket.Addr().String()
	go func() { _ = l.server.ServeTLS(socket, certFile, keyFile) }()
	return l, nil
}

// close cuts off requests that are still running.
func (l *listener) close() error { return l.server.Close() }
