package gitrepo

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeyError says that a server is not the one that it should be, or that nobody knows which one it should be.
type hostKeyError struct {
	host  string
	key   ssh.PublicKey // that the server shows
	file  string        // of known hosts
	cause error
}

func (e *hostKeyError) Unwrap() error { return e.cause }

// Error holds nothing but what is known on this side, and a fingerprint.
func (e *hostKeyError) Error() string {
	shown := e.key.Type() + " " + ssh.FingerprintSHA256(e.key)
	if _, revoked := errors.AsType[*knownhosts.RevokedError](e.cause); revoked {
		return fmt.Sprintf("STOP: %s has revoked the key that the server shows (%s): ask who runs the git server for its new one", e.file, shown)
	}
	known, ok := errors.AsType[*knownhosts.KeyError](e.cause)
	if !ok {
		return "the server's key is not taken: " + printable(e.cause.Error())
	}
	if len(known.Want) == 0 {
		return fmt.Sprintf("the server's key is unknown: it shows %s, and %s has no line for %s. Compare that with what your git server "+
			"publishes, and add its line then (ssh-keyscan prints it)", shown, e.file, e.host)
	}
	first := known.Want[0]
	return fmt.Sprintf("STOP: the server's key is not the one in known_hosts. It shows %s, and line %d of %s has %s %s. Somebody may be "+
		"listening in: ask who runs the git server, and replace that line only if they have changed the key",
		shown, first.Line, first.Filename, first.Key.Type(), ssh.FingerprintSHA256(first.Key))
}

// recognise tells the key that a server shows where it is not the known one.
func recognise(file string, check ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(host string, from net.Addr, key ssh.PublicKey) error {
		if err := check(host, from, key); err != nil {
			return &hostKeyError{host: knownhosts.Normalize(host), key: key, file: file, cause: err}
		}
		return nil
	}
}
