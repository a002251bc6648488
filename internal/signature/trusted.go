package signature

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// Trusted are the keys whose signatures count. It is safe for concurrent use.
type Trusted struct {
	signers []signer
	keyring openpgp.EntityList
}

// largest is how many bytes a commit may have that is looked at.
const largest = 1 << 20

// NewTrusted reads an allowed-signers file in the format of ssh-keygen(1), an armored OpenPGP keyring as `gpg --armor --export` writes it,
// or both; nil for none of a kind. Either is refused as a whole for one key that can't be used: a certificate authority, an RSA key below
// 2048 bits, a line that can't be read.
func NewTrusted(allowedSigners, keyring []byte) (*Trusted, error) {
	var t Trusted
	var err error
	if allowedSigners != nil {
		if t.signers, err = parseAllowed(allowedSigners); err != nil {
			return nil, fmt.Errorf("allowed signers: %w", err)
		}
	}
	if keyring != nil {
		if t.keyring, err = parseKeyring(keyring); err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
	}
	if len(t.signers)+len(t.keyring) == 0 {
		return nil, errors.New("no key to trust: give an allowed-signers file or a keyring")
	}
	return &t, nil
}

// Verify says who signed a commit object, or why that does not count: it is not signed, the key is not in the list, may not sign commits,
// is expired, revoked or weak, or the signature is wrong. Now is the time by which OpenPGP keys expire; for SSH keys the commit's own date
// is.
// What it says is one line of printable characters, whatever the commit holds.
func (t *Trusted) Verify(commit []byte, now time.Time) (who string, err error) {
	if len(commit) > largest {
		return "", errors.New("it is larger than any commit should be")
	}
	payload, armored, err := split(commit)
	if err != nil {
		return "", err
	}
	when, err := committed(payload)
	if err != nil {
		return "", err
	}
	switch {
	case strings.HasPrefix(armored, "-----BEGIN SSH SIGNATURE-----"):
		return t.verifySSH(payload, armored, when)
	case strings.HasPrefix(armored, "-----BEGIN PGP SIGNATURE-----"):
		return t.verifyPGP(payload, armored, now)
	}
	return "", errors.New("its signature is neither of SSH nor of OpenPGP")
}

// Trusts says why what a Signer signs now would not count.
func (t *Trusted) Trusts(s *Signer, now time.Time) error {
	signed, err := s.Sign(fmt.Appendf(nil, trial, now.Unix()), now)
	if err == nil {
		_, err = t.Verify(signed, now)
	}
	return err
}

// printable makes a short line of what may be anybody's words.
func printable(text string) string {
	const longest = 100
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
