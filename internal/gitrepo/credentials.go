package gitrepo

import (
	"encoding/base64"
	"errors"
	"net/url"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// Credentials are what a server asks for, and by what it is recognised. For https there is at most one of a password, a bearer token
// and a GitHub App; a client certificate may come beside it.
type Credentials struct {
	// Username and Password are sent over http and https, as basic authentication. Password may be a token, which most servers
	// take with any username; then Username may be empty.
	Username, Password string
	// BearerToken is sent over http and https in a header of its own, for servers that want it that way.
	BearerToken string
	// App is an installation of a GitHub App, which gets a token for each hour.
	App App
	// Certificate and CertificateKey are what this side shows to a server of https that asks for a certificate; both in PEM.
	Certificate, CertificateKey []byte
	// CA is a PEM bundle of certificate authorities that are trusted for https beside those of the system; may be empty.
	CA []byte

	// SSHKey is a private key in PEM, and SSHPassphrase what unlocks it; empty for a key that is not locked.
	SSHKey        []byte
	SSHPassphrase string
	// KnownHosts is the path of a known_hosts file with the server's key, which is read for each session. It and SSHKey are needed
	// for ssh, and there is no way to switch the check of the server's key off.
	KnownHosts string
}

// access reads the credentials for each session, so that those that were replaced count from the next one on.
type access struct {
	location *url.URL
	read     func() (Credentials, error)
	secrets  *redact.Memory
}

func (a *access) credentials() (Credentials, error) {
	a.secrets.Add(redact.OfProxies()...)
	if a.read == nil {
		return Credentials{}, Credentials{}.check(a.location)
	}
	c, err := a.read()
	if err != nil {
		return Credentials{}, err
	}
	a.secrets.Add(c.secrets()...)
	return c, c.check(a.location)
}

// check refuses what does not go together, and what is not for URLs like that one.
func (c Credentials) check(location *url.URL) error {
	web := location.Scheme == "https" || location.Scheme == "http"
	secure := location.Scheme == "ssh"
	app := c.App.given()
	switch {
	case !web && (c.Username != "" || c.Password != "" || c.BearerToken != "" || app):
		return errors.New("a username and a password, a bearer token and a GitHub App are for https URLs")
	case !web && len(c.CA) > 0:
		return errors.New("a CA bundle is for https URLs")
	case location.Scheme != "https" && len(c.Certificate)+len(c.CertificateKey) > 0:
		return errors.New("a client certificate is for https URLs")
	case (len(c.Certificate) > 0) != (len(c.CertificateKey) > 0):
		return errors.New("a client certificate and its key are needed together")
	case c.Username != "" && c.Password == "":
		return errors.New("a username without a password: give the password or a token too")
	case c.Password != "" && (c.BearerToken != "" || app), c.BearerToken != "" && app:
		return errors.New("a password, a bearer token, a GitHub App: give one of them")
	case !secure && (len(c.SSHKey) > 0 || c.SSHPassphrase != "" || c.KnownHosts != ""):
		return errors.New("an ssh key and known hosts are for ssh URLs")
	case secure && (len(c.SSHKey) == 0 || c.KnownHosts == ""):
		return errors.New("ssh needs a private key and a known_hosts file (ssh-keyscan HOST prints its lines; compare them with what your git server publishes)")
	}
	return nil
}

// basic is the header for a username and a password. The username is never empty, because servers that take a token with any
// username still want one.
func basic(username, password string) string {
	if username == "" {
		username = "git"
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
}

// header is what is sent with each request; "" where nothing is, or an App has to ask first.
func (c Credentials) header() string {
	switch {
	case c.Password != "":
		return basic(c.Username, c.Password)
	case c.BearerToken != "":
		return "Bearer " + c.BearerToken
	}
	return ""
}

// secrets are what must not turn up in a text: what is sent, and in which header. Private keys are never sent to anybody.
func (c Credentials) secrets() []string {
	all := []string{c.Password, c.BearerToken, c.SSHPassphrase}
	if c.Password != "" {
		all = append(all, basic(c.Username, c.Password)[len("Basic "):])
	}
	return all
}
