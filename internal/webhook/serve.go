package webhook

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections is how many clients are spoken to at a time. Others wait in the kernel, so that whoever opens many takes no file from those
// with which git is asked.
const connections = 64

// Serve answers on a socket until closed is called. What a client may cost is bounded: it has 5 s for its headers and 10 s for all.
func Serve(socket net.Listener, handler http.Handler) (closed func()) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second,
		IdleTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	go func() { _ = server.Serve(bound(socket, connections)) }() // until closed
	return func() { _ = server.Close() }
}

// bounded accepts a connection when one of those before it has ended.
type bounded struct {
	net.Listener
	open   chan struct{} // an entry for each
	closed chan struct{}
	close  func()
}

func bound(socket net.Listener, most int) *bounded {
	closed := make(chan struct{})
	return &bounded{socket, make(chan struct{}, most), closed, sync.OnceFunc(func() { close(closed) })}
}

func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.open <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.open
		return nil, err
	}
	return &counted{Conn: c, leave: sync.OnceFunc(func() { <-b.open })}, nil
}

// Close ends Accept too.
func (b *bounded) Close() error {
	b.close()
	return b.Listener.Close()
}

// counted is a connection that makes room when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
