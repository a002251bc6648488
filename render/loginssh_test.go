//go:build e2e

package render_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// TestSourceLoginSSH fetches with the real ssh from a server that knows one key.
func TestSourceLoginSSH(t *testing.T) {
	dir, first := repository(t)
	host, _ := newKey(t)
	user, key := newKey(t)
	other, otherKey := newKey(t)
	address := serveSSH(t, host, user.PublicKey())
	known := func(s ssh.Signer) string {
		return knownhosts.Line([]string{knownhosts.Normalize(address)}, s.PublicKey()) + "\n"
	}
	for name, test := range map[string]struct {
		secret map[string]string
		says   string // empty where it works
	}{
		"right":             {map[string]string{"identity": key, "known_hosts": known(host)}, ""},
		"another user":      {map[string]string{"identity": otherKey, "known_hosts": known(host)}, "Permission denied"},
		"another host":      {map[string]string{"identity": key, "known_hosts": known(other)}, "Host key verification failed"},
		"no known hosts":    {map[string]string{"identity": key}, "has no known_hosts"},
		"name and password": {map[string]string{"username": "bot", "password": canary}, "has no identity"},
	} {
		t.Run(name, func(t *testing.T) {
			login(t, "ssh://git@"+address+strings.TrimPrefix(dir, "file://"), first, test.secret, test.says)
		})
	}
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "canary")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// serveSSH runs the commands that the holder of a key asks for, and returns its address.
func serveSSH(t *testing.T, host ssh.Signer, user ssh.PublicKey) string {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(about ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if about.User() != "git" || string(key.Marshal()) != string(user.Marshal()) {
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
			go answer(connection, config)
		}
	}()
	return listener.Addr().String()
}

func answer(connection net.Conn, config *ssh.ServerConfig) {
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
		go execute(channel, requests)
	}
}

// execute hands a command to a shell, as sshd does.
func execute(channel ssh.Channel, requests <-chan *ssh.Request) {
	for request := range requests {
		var asked struct{ Command string }
		known := request.Type == "exec" && ssh.Unmarshal(request.Payload, &asked) == nil
		_ = request.Reply(known, nil)
		if !known {
			continue
		}
		command := exec.Command("sh", "-c", asked.Command)
		command.Stdout, command.Stderr = channel, channel.Stderr()
		in, _ := command.StdinPipe()
		go func() { _, _ = io.Copy(in, channel); in.Close() }()
		var status struct{ Code uint32 }
		if command.Run() != nil {
			status.Code = 1
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
		channel.Close()
	}
}
