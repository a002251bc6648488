package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
)

// secure runs git's commands on a server over ssh. It reads no ssh configuration of the user and asks no agent: what it does
// follows from the options alone.
type secure struct {
	address string // host:port
	path    string
	config  *ssh.ClientConfig
	limits  *limits
}

func newSSH(location *url.URL, options Options, limits *limits) (*secure, error) {
	signer, err := ssh.ParsePrivateKey(options.SSHKey)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, errors.New("the ssh key has a passphrase: use a key without one, for this repository only")
	}
	if err != nil {
		return nil, errors.New("the ssh key is not a private key in PEM") // not err: it may quote the key
	}
	hosts, err := gitssh.NewKnownHostsDb(options.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("known hosts %s: %w", options.KnownHosts, err)
	}
	port := location.Port()
	if port == "" {
		port = "22"
	}
	user := location.User.Username()
	if user == "" {
		user = "git"
	}
	address := net.JoinHostPort(location.Hostname(), port)
	return &secure{address: address, path: location.Path, limits: limits, config: &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   hosts.HostKeyCallback(),
		HostKeyAlgorithms: hosts.HostKeyAlgorithms(address),
	}}, nil
}

func (s *secure) read(ctx context.Context) (reading, error) { return s.start(ctx, uploadPack) }

func (s *secure) write(ctx context.Context) (writing, error) { return s.start(ctx, receivePack) }

// start dials, shakes hands and runs the command. The connection is closed when the context ends, whatever is being waited for.
func (s *secure) start(ctx context.Context, service string) (*stream, error) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	end := sync.OnceValue(func() error { stop(); return connection.Close() })
	session, err := s.run(connection, service, end)
	if err != nil {
		_ = end()
	}
	return session, err
}

func (s *secure) run(connection net.Conn, service string, end func() error) (*stream, error) {
	transport, channels, requests, err := ssh.NewClientConn(connection, s.address, s.config)
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
	if err := session.Start("git-" + service + " " + shellQuote(s.path)); err != nil {
		return nil, err
	}
	return &stream{service: service, in: in, out: &capped{Reader: out}, said: said, wait: session.Wait, end: end, limits: s.limits}, nil
}

// shellQuote makes one word of s for the shell that a server may run the command with, the way git quotes it.
func shellQuote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}
