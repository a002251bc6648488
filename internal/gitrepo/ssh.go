package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
)

// fewestBits is how long an RSA key has to be.
const fewestBits = 2048

// secure runs git's commands on a server over ssh. It reads no ssh configuration of the user and asks no agent: what it does
// follows from the credentials alone.
type secure struct {
	access  *access
	address string // host:port
	user    string
	limits  *limits

	mu     sync.Mutex
	used   Credentials // of the signer
	signer ssh.Signer  // to unlock a key takes long by design
}

func newSSH(access *access, limits *limits) (*secure, error) {
	at := access.location
	s := &secure{
		access: access, limits: limits,
		address: net.JoinHostPort(at.Hostname(), cmp.Or(at.Port(), "22")),
		user:    cmp.Or(at.User.Username(), "git"),
	}
	_, err := s.config()
	return s, err
}

// config is how to log in with the credentials that there are now, and how to know the server.
func (s *secure) config() (*ssh.ClientConfig, error) {
	credentials, err := s.access.credentials()
	if err != nil {
		return nil, err
	}
	signer, err := s.unlocked(credentials)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(credentials.KnownHosts); err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	hosts, err := gitssh.NewKnownHostsDb(credentials.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("known hosts %s: %w", credentials.KnownHosts, err)
	}
	return &ssh.ClientConfig{
		User:              s.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   recognise(credentials.KnownHosts, hosts.HostKeyCallback()),
		HostKeyAlgorithms: hosts.HostKeyAlgorithms(s.address),
	}, nil
}

// unlocked returns the key, ready to sign.
func (s *secure) unlocked(credentials Credentials) (ssh.Signer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signer != nil && bytes.Equal(s.used.SSHKey, credentials.SSHKey) && s.used.SSHPassphrase == credentials.SSHPassphrase {
		return s.signer, nil
	}
	signer, err := parseKey(credentials.SSHKey, credentials.SSHPassphrase)
	if err != nil {
		return nil, err
	}
	s.used, s.signer = credentials, signer
	return signer, nil
}

// parseKey has errors of its own: those of the libraries may quote the key.
func parseKey(text []byte, passphrase string) (ssh.Signer, error) {
	key, err := ssh.ParseRawPrivateKey(text)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		if passphrase == "" {
			return nil, errors.New("the ssh key is locked with a passphrase: give the passphrase too, or a key without one, for this repository only")
		}
		if key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(passphrase)); err != nil {
			return nil, errors.New("the passphrase does not unlock the ssh key")
		}
	}
	if err != nil {
		return nil, errors.New("the ssh key is not a private key in PEM")
	}
	if long, ok := key.(*rsa.PrivateKey); ok && long.N.BitLen() < fewestBits {
		return nil, fmt.Errorf("the ssh key is RSA with %d bits, which is too few to be safe: make another one (ssh-keygen -t ed25519)", long.N.BitLen())
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, errors.New("the ssh key is of a kind that cannot log in: make another one (ssh-keygen -t ed25519)")
	}
	return signer, nil
}

func (s *secure) read(ctx context.Context) (reading, error) { return s.start(ctx, uploadPack) }

func (s *secure) write(ctx context.Context) (writing, error) { return s.start(ctx, receivePack) }

// start dials, shakes hands and runs the command. The connection is closed when the context ends, whatever is being waited for.
func (s *secure) start(ctx context.Context, service string) (*stream, error) {
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	end := sync.OnceValue(func() error { stop(); return connection.Close() })
	session, err := s.run(connection, config, service, end)
	if err != nil {
		_ = end()
	}
	return session, err
}

func (s *secure) run(connection net.Conn, config *ssh.ClientConfig, service string, end func() error) (*stream, error) {
	transport, channels, requests, err := ssh.NewClientConn(connection, s.address, config)
	if err != nil {
		return nil, err
	}
	session, err := ssh.NewClient(transport, channels, requests).NewSession()
	if err != nil {
		return nil, err
	}
	said := new(remark)
	session.Stderr = said
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.Start("git-" + service + " " + shellQuote(s.access.location.Path)); err != nil {
		return nil, err
	}
	return &stream{service: service, in: in, out: &capped{Reader: out}, said: said, wait: session.Wait, end: end, limits: s.limits}, nil
}

// shellQuote makes one word of s for the shell that a server may run the command with, the way git quotes it.
func shellQuote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}
