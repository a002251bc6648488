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

// host is the address that servers listen on: that of loopback, or where pods are
// real that of their node, which pods reach.
func host() string {
	if isolated() {
		return nodeIP
	}
	return "127.0.0.1"
}

// A listener serves HTTP until it is closed.
type listener struct {
	url    string
	server *http.Server
}

// listenTLS serves on a free port of the host; without a certificate plain HTTP.
func listenTLS(handler http.Handler, certFile, keyFile string) (*listener, error) {
	return listenAt(host()+":0", handler, certFile, keyFile)
}

// listenAt is listenTLS at an address of its own.
func listenAt(address string, handler http.Handler, certFile, keyFile string) (*listener, error) {
	socket, err := net.Listen("tcp", address)
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
