package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// evidence is what a request carries to show that it knows a secret.
type evidence struct {
	macs   [][]byte // of the body, each of sha256.Size bytes
	tokens []string // each the secret itself
}

// signatures reads the headers of all git servers that are known. Several may be there at once (a Gitea sends those of GitHub too), and
// each of them has to be right: which one a proxy on the way looks at is not ours to know.
func signatures(header http.Header) (evidence, error) {
	e := evidence{tokens: header.Values("X-Gitlab-Token")}
	for _, form := range []struct{ name, prefix string }{
		{"X-Hub-Signature-256", "sha256="}, // GitHub
		{"X-Hub-Signature", "sha256="},     // Bitbucket
		{"X-Gitea-Signature", ""},
		{"X-Forgejo-Signature", ""},
		{"X-Gogs-Signature", ""},
	} {
		for _, value := range header.Values(form.name) {
			if form.name == "X-Hub-Signature" && strings.HasPrefix(value, "sha1=") { // GitHub and Gitea send it too: it proves nothing
				continue
			}
			text, marked := strings.CutPrefix(value, form.prefix)
			mac, err := hex.DecodeString(text)
			if !marked || err != nil || len(mac) != sha256.Size {
				return evidence{}, fmt.Errorf("%s is no HMAC-SHA256 in hexadecimal digits", form.name)
			}
			e.macs = append(e.macs, mac)
		}
	}
	if len(e.macs)+len(e.tokens) == 0 {
		return evidence{}, errors.New("not signed: set the secret of the webhook at your git server (SHA-1 is not taken)")
	}
	return e, nil
}

// by reports whether one of the secrets explains all there is. How long that takes says nothing about the secrets.
func (e evidence) by(secrets []string, body []byte) bool {
	explained := 0
	for _, secret := range secrets {
		explained |= e.one(secret, body)
	}
	return explained == 1
}

// one is 1 where the secret explains all there is, else 0.
func (e evidence) one(secret string, body []byte) int {
	hash := hmac.New(sha256.New, []byte(secret))
	hash.Write(body)
	mac := hash.Sum(nil)
	right := 1
	for _, m := range e.macs {
		right &= subtle.ConstantTimeCompare(m, mac)
	}
	want := sha256.Sum256([]byte(secret))
	for _, token := range e.tokens {
		got := sha256.Sum256([]byte(token)) // of one length, whatever was sent
		right &= subtle.ConstantTimeCompare(got[:], want[:])
	}
	return right
}
