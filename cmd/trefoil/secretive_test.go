package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trefoil-gitops/trefoil/internal/canary"
)

// pemText is a key as it is in a file, and what of it is secret.
type pemText struct {
	block  *pem.Block
	secret []byte
}

func (p pemText) String() string { return string(pem.EncodeToMemory(p.block)) }

// secretive is a configuration whose every secret is a canary, with servers that may turn hostile.
type secretive struct {
	*testing.T
	dir, state string // the files of secrets, and what commands may write
	git        *countedGit
	origin     *gate       // before it
	shut       atomic.Bool // the git server, to those who come with a key
	engines    []*gate     // Polyaxon's and the cluster's
	cluster    *leasing
	canaries   []canary.Canary
	url        string // of the repository
	signs      bool
	hook       string // the secret of webhooks
	config     string // its file
	seen       map[string]string
}

// plant writes a file with a new canary and returns its name.
func (s *secretive) plant(name string) (file, secret string) {
	s.Helper()
	c := canary.New(name)
	s.canaries = append(s.canaries, c)
	return s.file(name, c.Secret+"\n"), c.Secret
}

// key writes one.
func (s *secretive) key(name string, key *pemText) (file string) {
	s.Helper()
	s.canaries = append(s.canaries, canary.Of(name, string(key.secret)))
	return s.file(name, key.String())
}

func (s *secretive) file(name, text string) string {
	s.Helper()
	path := filepath.Join(s.dir, strings.ReplaceAll(name, " ", "-"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

func newSecretive(t *testing.T) *secretive {
	t.Helper()
	s := &secretive{T: t, dir: t.TempDir(), state: t.TempDir(), git: serveGit(t), seen: map[string]string{}}
	s.git.git(s.git.bare, "config", "http.receivepack", "true")
	s.origin = &gate{next: s.git.handler}
	return s
}

// front serves a handler on loopback.
func (s *secretive) front(handler http.Handler) string {
	server := httptest.NewServer(handler)
	s.Cleanup(server.Close)
	return server.URL
}

// withPassword and those below are the ways to log in at the git server. They return the lines of the configuration.
func (s *secretive) withPassword() string {
	file, secret := s.plant("password")
	s.origin.wants = "Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+secret))
	s.url = s.front(s.origin) + "/ml/models.git"
	return fmt.Sprintf("username: bob, passwordFile: %q, signing: {%s}", file, s.signing("signing key", true))
}

func (s *secretive) withToken() string {
	file, secret := s.plant("bearer token")
	s.origin.wants = "Bearer " + secret
	s.url = s.front(s.origin) + "/ml/models.git"
	return fmt.Sprintf("bearerTokenFile: %q, signing: {%s}", file, s.signingPGP())
}

func (s *secretive) withApp() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		s.Fatal(err)
	}
	made := &pemText{&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}, key.Primes[0].Bytes()}
	s.canaries = append(s.canaries, canary.Of("exponent of the App's key", string(key.D.Bytes())))
	_, token := s.plant("installation token")
	s.origin.wants = "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))
	s.url = s.front(s.origin) + "/ml/models.git"
	api := s.front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.origin.mu.Lock()
		s.origin.heard = append(s.origin.heard, r.Header.Get("Authorization"))
		s.origin.mu.Unlock()
		if s.shut.Load() {
			repeats(http.StatusUnauthorized, "text/plain", "no: %s")(w, r)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_at": time.Now().Add(time.Hour)})
	}))
	return fmt.Sprintf("githubApp: {id: 12, installation: 34, privateKeyFile: %q, url: %q}", s.key("App's key", made), api)
}

func (s *secretive) withCertificate() string {
	certificate, key := newCertificate(s.T)
	url, authority := s.secureFront(s.origin, tls.RequireAnyClientCert)
	s.url = url + "/ml/models.git"
	return fmt.Sprintf("clientCertificateFile: %q, clientKeyFile: %q, caFile: %q",
		s.file("certificate", string(certificate)), s.key("key of the certificate", key), s.file("ca", string(authority)))
}

// secureFront serves a handler by https, to those who have some certificate, and to nobody while the git server is shut.
func (s *secretive) secureFront(handler http.Handler, asks tls.ClientAuthType) (url string, authority []byte) {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: asks, VerifyConnection: func(tls.ConnectionState) error {
		if s.shut.Load() && asks == tls.RequireAnyClientCert {
			return errors.New("unknown certificate")
		}
		return nil
	}}
	server.StartTLS()
	s.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// newCertificate is one of a client, in PEM, and its key.
func newCertificate(t *testing.T) (certificate []byte, key *pemText) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "trefoil"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certificate, &pemText{&pem.Block{Type: "PRIVATE KEY", Bytes: raw}, private.Seed()}
}

func (s *secretive) withSSH() string {
	host, _ := newSSHKey(s.T, "")
	passphrase, secret := s.plant("passphrase")
	user, key := newSSHKey(s.T, secret)
	address := serveSSH(s.T, host, user.PublicKey(), func() bool { return !s.shut.Load() })
	s.url = "ssh://git@" + address + s.git.bare
	return fmt.Sprintf("sshKeyFile: %q, sshKeyPassphraseFile: %q, knownHostsFile: %q, signing: {%s}", s.key("ssh key", key), passphrase,
		s.file("known hosts", knownhosts.Line([]string{knownhosts.Normalize(address)}, host.PublicKey())+"\n"),
		s.signing("plain signing key", false))
}

// signing is the configuration of an SSH key that signs.
func (s *secretive) signing(name string, locked bool) string {
	s.signs = true
	if !locked {
		_, key := newSSHKey(s.T, "")
		return fmt.Sprintf("keyFile: %q", s.key(name, key))
	}
	file, passphrase := s.plant("passphrase of the " + name)
	_, key := newSSHKey(s.T, passphrase)
	s.canaries = append(s.canaries, canary.Of("locked "+name, string(key.block.Bytes[200:240])))
	return fmt.Sprintf("keyFile: %q, passphraseFile: %q", s.key(name, key), file)
}

// signingPGP is that of an OpenPGP key that is for tests alone.
func (s *secretive) signingPGP() string {
	s.signs = true
	text, err := os.ReadFile("../../internal/signature/testdata/keys/pgp-locked.sec")
	if err != nil {
		s.Fatal(err)
	}
	const passphrase = "correct horse"
	lines := strings.Split(string(text), "\n")
	s.canaries = append(s.canaries, canary.Of("passphrase of the OpenPGP key", passphrase), canary.Of("OpenPGP key", lines[3]))
	return fmt.Sprintf("keyFile: %q, passphraseFile: %q", s.file("pgp", string(text)), s.file("pgp passphrase", passphrase+"\n"))
}
