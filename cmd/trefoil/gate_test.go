package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/trefoil-gitops/trefoil/internal/canary"
)

// gate stands before a server and lets those in who say the right thing. The others are answered with what they said, in many forms; and so
// is everybody while it is hostile.
type gate struct {
	next  http.Handler
	wants string // the header; empty for none

	mu      sync.Mutex
	hostile http.HandlerFunc // nil while it is peaceful
	heard   []string         // all headers
	refused int              // how many requests
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	said := r.Header.Get("Authorization")
	g.mu.Lock()
	if said != "" && !slices.Contains(g.heard, said) {
		g.heard = append(g.heard, said)
	}
	answer := g.hostile
	if answer == nil && said != g.wants && g.wants != "" {
		answer = repeats(http.StatusUnauthorized, "text/plain", "who are you? %s")
	}
	if answer != nil {
		g.refused++
	}
	g.mu.Unlock()
	if answer == nil {
		answer = g.next.ServeHTTP
	}
	answer(w, r)
}

// turn makes it hostile; peaceful with nil.
func (g *gate) turn(answer http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hostile = answer
}

func (g *gate) refusals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// sent is what headers carried: as good as the secret itself for as long as it is good.
func (g *gate) sent() []canary.Canary {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []canary.Canary
	for _, header := range g.heard {
		_, secret, _ := strings.Cut(header, " ")
		all = append(all, canary.Of("what a header carried", secret))
	}
	return all
}

// repeats answers with what the request authorized itself with.
func repeats(code int, kind, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said := spoken(r)
		w.Header().Set("Content-Type", kind)
		w.Header().Set("WWW-Authenticate", `Basic realm="`+url.QueryEscape(said)+`"`)
		w.WriteHeader(code)
		if strings.Contains(kind, "json") {
			said = fmt.Sprintf("%q", said)
		}
		fmt.Fprintf(w, format, said)
	}
}

func spoken(r *http.Request) string {
	header := r.Header.Get("Authorization")
	_, secret, _ := strings.Cut(header, " ")
	if user, password, ok := r.BasicAuth(); ok {
		secret = user + ":" + password
	}
	return strings.Join([]string{
		header, secret, url.QueryEscape(secret), fmt.Sprintf("%q", secret), hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(header)),
	}, " ")
}

// says is an error in git's own protocol, and in the status line of all else.
func says(w http.ResponseWriter, r *http.Request) {
	if service := r.URL.Query().Get("service"); service != "" {
		line := "ERR " + spoken(r)
		w.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
		fmt.Fprintf(w, "001e# service=%s\n0000%04x%s0000", service, len(line)+4, line)
		return
	}
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "HTTP/1.1 503 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", spoken(r))
}

// hostilities are those of servers and of proxies that repeat what they are sent.
func hostilities() []http.HandlerFunc {
	return []http.HandlerFunc{
		repeats(http.StatusUnauthorized, "text/plain", "no: %s"),
		repeats(http.StatusForbidden, "application/json",
			`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": %s}`),
		says,
	}
}

// newSSHKey is one in PEM, and what of it is secret.
func newSSHKey(t *testing.T, passphrase string) (signer ssh.Signer, block *pemText) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		made, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err = ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, &pemText{made, private.Seed()}
}

// serveSSH runs the commands that the holder of a key asks for, while open says so, and returns where.
func serveSSH(t *testing.T, host ssh.Signer, user ssh.PublicKey, open func() bool) (address string) {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !open() || string(key.Marshal()) != string(user.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go serveConnection(connection, config)
		}
	}()
	return listener.Addr().String()
}

func serveConnection(connection net.Conn, config *ssh.ServerConfig) {
	defer connection.Close()
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go serveChannel(channel, requests)
	}
}

func serveChannel(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for request := range requests {
		var asked struct{ Command string }
		known := request.Type == "exec" && ssh.Unmarshal(request.Payload, &asked) == nil
		_ = request.Reply(known, nil)
		if !known {
			continue
		}
		command := exec.Command("sh", "-c", asked.Command)
		command.Stdout, command.Stderr = channel, channel.Stderr()
		in, err := command.StdinPipe()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(in, channel); in.Close() }()
		var status struct{ Code uint32 }
		if command.Run() != nil {
			status.Code = 1
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
		return
	}
}
