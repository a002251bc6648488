package signature

import (
	"bytes"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

const (
	// namespace keeps a signature over a file from being taken for one over a commit.
	namespace = "git"
	// leastRSA is how long an RSA key has to be, in bits.
	leastRSA = 2048
)

type sshKey struct{ signer ssh.Signer } // not embedded: sshsig asks what else it can do

func readSSH(text, passphrase []byte) (privateKey, error) {
	key, err := ssh.ParsePrivateKey(text)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		if len(passphrase) == 0 {
			return nil, errors.New("the SSH key is locked: its passphrase is needed")
		}
		if key, err = ssh.ParsePrivateKeyWithPassphrase(text, passphrase); err != nil {
			return nil, errors.New("the SSH key does not open with that passphrase")
		}
	}
	if err != nil {
		return nil, errors.New("the SSH key can't be read: it is damaged, or of a kind that is not known")
	}
	switch kind := key.PublicKey().Type(); kind {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoRSA:
		return sshKey{key}, strong(key.PublicKey())
	default:
		return nil, fmt.Errorf("the SSH key is of the kind %s, whose signatures are not the same each time: a commit that is pushed again "+
			"would be another one; make one with `ssh-keygen -t ed25519`", kind)
	}
}

// sign needs no time: an SSH signature has none.
func (k sshKey) sign(payload []byte, _ time.Time) (string, error) {
	made, err := sshsig.Sign(bytes.NewReader(payload), k.signer, sshsig.HashSHA512, namespace)
	if err != nil {
		return "", err
	}
	return string(sshsig.Armor(made)), nil
}

func (k sshKey) public() *Trusted {
	return &Trusted{signers: []signer{{principals: "this key", key: k.signer.PublicKey()}}}
}

func (k sshKey) String() string { return nameSSH(k.signer.PublicKey()) }

// nameSSH is what ssh-keygen -l says of a key.
func nameSSH(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }

// strong refuses keys that are not worth much.
func strong(key ssh.PublicKey) error {
	if key.Type() == "ssh-dss" {
		return errors.New("DSA keys are too weak: make one with `ssh-keygen -t ed25519`")
	}
	if crypto, ok := key.(ssh.CryptoPublicKey); ok {
		if public, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() < leastRSA {
			return fmt.Errorf("an RSA key of %d bits is too weak: %d are needed, or make one with `ssh-keygen -t ed25519`",
				public.N.BitLen(), leastRSA)
		}
	}
	return nil
}

// verifySSH says who signed a payload.
func (t *Trusted) verifySSH(payload []byte, armored string, when time.Time) (string, error) {
	made, err := parseSSH(armored)
	if err != nil {
		return "", err
	}
	if made.Namespace != namespace {
		return "", fmt.Errorf("its SSH signature is for %.30q, not for %q", made.Namespace, namespace)
	}
	s, err := t.signer(made.PublicKey, when)
	if err != nil {
		return "", err
	}
	if err := sshsig.Verify(bytes.NewReader(payload), made, s.key, made.HashAlgorithm, namespace); err != nil {
		return "", errors.New("its SSH signature is wrong: it was made over something else")
	}
	return s.principals + " (" + nameSSH(s.key) + ")", nil
}

func parseSSH(armored string) (*sshsig.Signature, error) {
	block, rest := pem.Decode([]byte(armored))
	if block == nil || block.Type != sshsig.PEMType || len(block.Headers) > 0 || strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("its SSH signature can't be read")
	}
	made, err := sshsig.ParseSignature(block.Bytes)
	if err != nil {
		return nil, errors.New("its SSH signature can't be read, or is made with SHA-1")
	}
	return made, nil
}

// signer is the line of the list that lets a key sign commits at a time. As for git, the first line with the key says who that is, and
// lines for others are none of its business.
func (t *Trusted) signer(key ssh.PublicKey, when time.Time) (signer, error) {
	if _, certificate := key.(*ssh.Certificate); certificate {
		return signer{}, errors.New("it is signed with an SSH certificate, which is not supported: list the key itself")
	}
	who, why := "", fmt.Errorf("the key that signed it is not in the list: %s", nameSSH(key))
	for _, s := range t.signers {
		if !bytes.Equal(s.key.Marshal(), key.Marshal()) || who != "" && who != s.principals {
			continue
		}
		err := s.counts(when)
		if err == nil {
			who = s.principals
			err = s.allows(namespace)
		}
		if err == nil {
			return s, nil
		}
		why = fmt.Errorf("the key %s of %s %w", nameSSH(key), s.principals, err)
	}
	return signer{}, why
}
