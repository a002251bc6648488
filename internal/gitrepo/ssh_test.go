package gitrepo

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
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
func TestFault11HostKeyChanged(t *testing.T) {
	host, _ := newKey(t)
	other, otherKey := newKey(t)
	user, key := newKey(t)
	s := serve(t, specs())
	front := serveSSH(t, host, user.PublicKey())
	changed := sshOptions(t, front.address, s.dir, key, other.PublicKey())
	unknown := sshOptions(t, "127.0.0.1:9", s.dir, key, host.PublicKey())
	unknown.URL = changed.URL
	revoked := sshOptions(t, front.address, s.dir, key, host.PublicKey())
	c, _ := revoked.Credentials()
	write(t, "", map[string]string{c.KnownHosts: "@revoked * " + string(ssh.MarshalAuthorizedKey(host.PublicKey()))})
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ofKind, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	kind := sshOptions(t, front.address, s.dir, key, ofKind)
	shown, known := ssh.FingerprintSHA256(host.PublicKey()), ssh.FingerprintSHA256(other.PublicKey())
	tests := []struct {
		name string
		o    Options
		want string // FILE is that of known hosts
	}{
		{"another host key", changed, "STOP: the server's key is not the one in known_hosts. It shows ssh-ed25519 " + shown + ", and line 1 of FILE has ssh-ed25519 " +
			known + ". Somebody may be listening in: ask who runs the git server, and replace that line only if they have changed the key"},
		{"an unknown host", unknown, "the server's key is unknown: it shows ssh-ed25519 " + shown + ", and FILE has no line for " +
			knownhosts.Normalize(front.address) + ". Compare that with what your git server publishes, and add its line then (ssh-keyscan prints it)"},
		{"a revoked host key", revoked, "STOP: FILE has revoked the key that the server shows (ssh-ed25519 " + shown + "): ask who runs the git server for its new one"},
		{"a host key of another kind", kind, "STOP: the server has no key of the kind that known_hosts has for it (it offers ssh-ed25519): " +
			"ask who runs the git server whether they have changed it"},
		{"another user key", sshOptions(t, front.address, s.dir, otherKey, host.PublicKey()), "ssh: handshake failed: ssh: unable to authenticate, " +
			"attempted methods [none publickey], no supported methods remain"},
	}
	for _, test := range tests {
		_, err := open(t, test.o).Tip(aMinute(t))
		c, _ := test.o.Credentials()
		want := "list " + test.o.URL + ": " + strings.ReplaceAll(test.want, "FILE", c.KnownHosts)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", test.name, err, want)
		}
	}
}

// I7: a server that takes the connection and says nothing holds nobody.
func TestFault12SSHStalled(t *testing.T) {
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

// A locked key is unlocked by its passphrase, and a key that is not usable is found out when the Repo is opened.
func TestSSHKeyKinds(t *testing.T) {
	const passphrase = "c0rrect h0rse"
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	locked := pem.EncodeToMemory(block)
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}})
	_, weak := rsaPEM(t, 1024, 1)
	_, strong := rsaPEM(t, fewestBits, 1)
	tests := []struct {
		name, passphrase string
		key              []byte
		want             string // "": usable
	}{
		{"locked", passphrase, locked, ""},
		{"locked, without the passphrase", "", locked, "give the passphrase too"},
		{"locked, another passphrase", passphrase + "x", locked, "does not unlock"},
		{"locked as it was done long ago", "", old, "give the passphrase too"},
		{"weak", "", weak, "RSA with 1024 bits"},
		{"strong", "", strong, ""},
		{"half written", "", strong[:len(strong)/2], "not a private key in PEM"},
	}
	host, _ := newKey(t)
	for _, test := range tests {
		o := sshOptions(t, "example.com:22", "/x", test.key, host.PublicKey())
		c, _ := o.Credentials()
		c.SSHPassphrase = test.passphrase
		o.Credentials = given(c)
		_, err := Open(o)
		if (err == nil) != (test.want == "") || (err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), passphrase))) {
			t.Errorf("%s: Open = %v; want %q", test.name, err, test.want)
		}
	}
}

// A known_hosts file and a key that were replaced count from the next session on; a file that is not there for a moment does not matter
// after that.
func TestSSHCredentialsChange(t *testing.T) {
	host, _ := newKey(t)
	user, key := newKey(t)
	_, otherKey := newKey(t)
	s := serve(t, specs())
	front := serveSSH(t, host, user.PublicKey())
	right, _ := sshOptions(t, front.address, s.dir, key, host.PublicKey()).Credentials()
	o, c := options("ssh://"+front.address+s.dir), &changing{now: right}
	o.Credentials = c.read
	repo := open(t, o)
	lines, err := os.ReadFile(right.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(lines[:30]), "", "\x00\n"} {
		write(t, "", map[string]string{right.KnownHosts: text})
		if _, err := repo.Tip(aMinute(t)); err == nil {
			t.Errorf("Tip with known hosts %q is no error", text)
		}
		write(t, "", map[string]string{right.KnownHosts: string(lines)})
		if _, err := repo.Tip(aMinute(t)); err != nil {
			t.Error(err)
		}
	}
	c.now.SSHKey = otherKey
	if _, err := repo.Tip(aMinute(t)); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("Tip with another key = %v", err)
	}
	c.now.KnownHosts += "x"
	if _, err := repo.Tip(aMinute(t)); err == nil || !strings.Contains(err.Error(), "known hosts: ") {
		t.Errorf("Tip without known hosts = %v", err)
	}
	c.now = right
	if _, err := repo.Tip(aMinute(t)); err != nil {
		t.Error(err)
	}
}
