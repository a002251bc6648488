package gitrepo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

// sshServer runs the git commands that it is asked for, for the holder of one key. It says which account logged in.
type sshServer struct {
	address string
	config  *ssh.ServerConfig
}

func serveSSH(t *testing.T, host ssh.Signer, user ssh.PublicKey) *sshServer {
	t.Helper()
	s := &sshServer{config: &ssh.ServerConfig{
		PublicKeyCallback: func(about ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if about.User() != "git" || string(key.Marshal()) != string(user.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
	}}
	s.config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s.address = listener.Addr().String()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(connection)
		}
	}()
	return s
}

func (s *sshServer) serve(connection net.Conn) {
	defer connection.Close()
	_, channels, requests, err := ssh.NewServerConn(connection, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go runCommands(channel, requests)
	}
}

// runCommands hands the command to a shell, as sshd does.
func runCommands(channel ssh.Channel, requests <-chan *ssh.Request) {
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

func sshOptions(t *testing.T, address, path string, key []byte, host ssh.PublicKey) Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize(address)}, host) + "\n"
	if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options("ssh://git@" + address + path)
	o.Credentials = given(Credentials{SSHKey: key, KnownHosts: file})
	return o
}

func TestSSH(t *testing.T) {
	host, _ := newKey(t)
	user, key := newKey(t)
	odd := filepath.Join(t.TempDir(), "it's odd!")
	if err := os.Mkdir(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	s := serve(t, specs())
	moved := filepath.Join(odd, "specs.git")
	if err := os.Rename(s.dir, moved); err != nil {
		t.Fatal(err)
	}
	s.dir = moved
	front := serveSSH(t, host, user.PublicKey())
	o := sshOptions(t, front.address, strings.ReplaceAll(s.dir, " ", "%20"), key, host.PublicKey())
	repo := open(t, o)
	tip, err := repo.Tip(aMinute(t))
	if err != nil || tip != s.tip(t) {
		t.Fatalf("Tip = %q, %v", tip, err)
	}
	tree, err := repo.Fetch(aMinute(t), tip)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(tree, "models.cue"); err != nil || string(text) != "package models\n" {
		t.Errorf("models.cue = %q, %v", text, err)
	}
	got, err := repo.Commit(aMinute(t), tip, selection("fraud", "x"))
	if err != nil || got != s.tip(t) {
		t.Errorf("Commit = %q, %v; the branch is at %s", got, err, s.tip(t))
	}
	if _, err := repo.Commit(aMinute(t), tip, selection("fraud", "y")); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("Commit on an old base = %v; want ErrStale", err)
	}
	runGit(t, s.dir, "fsck", "--strict")
	o.URL += "x"
	if _, err := open(t, o).Tip(aMinute(t)); err == nil || !strings.Contains(err.Error(), "does not appear to be a git repository") {
		t.Errorf("Tip of no repository = %v", err)
	}
}

// Nobody is spoken to who does not hold the server's key, and the server decides who may log in.
func TestSSHKeys(t *testing.T) {
	host, _ := newKey(t)
	other, otherKey := newKey(t)
	user, key := newKey(t)
	s := serve(t, specs())
	front := serveSSH(t, host, user.PublicKey())
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"another host key", sshOptions(t, front.address, s.dir, key, other.PublicKey()), "not the one in known_hosts"},
		{"an unknown host", sshOptions(t, "127.0.0.1:9", s.dir, key, host.PublicKey()), "the server's key is unknown"},
		{"another user key", sshOptions(t, front.address, s.dir, otherKey, host.PublicKey()), "unable to authenticate"},
	}
	tests[1].o.URL = "ssh://git@" + front.address + s.dir
	for _, test := range tests {
		if _, err := open(t, test.o).Tip(aMinute(t)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", test.name, err, test.want)
		}
	}
}

// I7: a server that takes the connection and says nothing holds nobody.
func TestSSHStalled(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	host, _ := newKey(t)
	_, key := newKey(t)
	repo := open(t, sshOptions(t, listener.Addr().String(), "/x", key, host.PublicKey()))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := repo.Tip(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 3*time.Second {
		t.Errorf("Tip = %v after %v", err, time.Since(start))
	}
}

// A key that is not usable is found out when the Repo is opened.
func TestSSHLockedKey(t *testing.T) {
	block := &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}}
	host, _ := newKey(t)
	_, err := Open(sshOptions(t, "example.com:22", "/x", pem.EncodeToMemory(block), host.PublicKey()))
	if err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("Open = %v", err)
	}
}
