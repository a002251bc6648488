package signature

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Signer signs commits with one private key. It is safe for concurrent use.
type Signer struct {
	key privateKey
	own *Trusted // by its public half alone
}

// privateKey makes armored signatures.
type privateKey interface {
	sign(payload []byte, when time.Time) (string, error)
	public() *Trusted
	fmt.Stringer // says which key it is, by its public half
}

// trial is what a key is tried with.
const trial = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n" +
	"author Trefoil <> %d +0000\ncommitter Trefoil <> %[1]d +0000\n\nto try a key\n"

// NewSigner reads a private key: an SSH key as ssh-keygen writes it (or in PEM), or an armored OpenPGP key as `gpg --armor
// --export-secret-keys` does. The passphrase may be empty. A key that can't sign at the time now, whose signatures would not be the same
// each time, or that is weak is refused. No error quotes the key or the passphrase.
func NewSigner(key, passphrase []byte, now time.Time) (*Signer, error) {
	private, err := readPrivate(key, passphrase, now)
	if err != nil {
		return nil, err
	}
	s := &Signer{private, private.public()}
	if _, err := s.Sign(fmt.Appendf(nil, trial, now.Unix()), now); err != nil {
		return nil, err
	}
	return s, nil
}

func readPrivate(key, passphrase []byte, now time.Time) (privateKey, error) {
	switch {
	case bytes.Contains(key, []byte("-----BEGIN PGP PRIVATE KEY BLOCK-----")):
		return readPGP(key, passphrase, now)
	case bytes.Contains(key, []byte("-----BEGIN PGP ")):
		return nil, errors.New("that is no private OpenPGP key: write it with `gpg --armor --export-secret-keys`")
	case bytes.Contains(key, []byte("PRIVATE KEY-----")):
		return readSSH(key, passphrase)
	}
	return nil, errors.New("that is no private key: an SSH key as `ssh-keygen -t ed25519` makes it is wanted (the file without .pub), " +
		"or an armored OpenPGP key")
}

// Sign returns a commit object with its signature in it, of one without. The same commit gives the same bytes, whatever the time now: that
// decides only whether the key still counts. What it returns was verified.
func (s *Signer) Sign(commit []byte, now time.Time) ([]byte, error) {
	when, err := committed(commit)
	if err != nil {
		return nil, fmt.Errorf("sign a commit: %w", err)
	}
	armored, err := s.key.sign(commit, when)
	if err != nil {
		return nil, fmt.Errorf("sign a commit: %w", err)
	}
	signed, err := join(commit, armored)
	if err != nil {
		return nil, fmt.Errorf("sign a commit: %w", err)
	}
	if _, err := s.own.Verify(signed, now); err != nil {
		return nil, fmt.Errorf("the signature that was made is not good: %w", err)
	}
	return signed, nil
}

// String says which key it is: its kind and the fingerprint of its public half.
func (s *Signer) String() string { return s.key.String() }
