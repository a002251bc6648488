package gitrepo

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// github makes tokens for one installation of one App, and checks who asks as GitHub does.
type github struct {
	public *rsa.PublicKey
	answer func(w http.ResponseWriter) bool // instead of a token, if it returns true

	mu    sync.Mutex
	made  int
	lasts time.Duration
	wrong []string
}

// keys of that many bits, each made once: that takes long.
var keys sync.Map

func rsaPEM(t *testing.T, bits, nth int) (*rsa.PrivateKey, []byte) {
	t.Helper()
	made, _ := keys.LoadOrStore([2]int{bits, nth}, sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, bits) }))
	key, err := made.(func() (*rsa.PrivateKey, error))()
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Method != http.MethodPost || r.URL.Path != "/api/app/installations/34/access_tokens" {
		g.wrong = append(g.wrong, r.Method+" "+r.URL.Path)
	}
	if err := g.verify(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err != nil {
		g.wrong = append(g.wrong, err.Error())
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if g.answer != nil && g.answer(w) {
		return
	}
	g.made++
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"token": "ghs_secret%d", "expires_at": %q, "permissions": {}}`, g.made, time.Now().Add(g.lasts).UTC().Format(time.RFC3339))
}

// verify says what is wrong with a JSON Web Token.
func (g *github) verify(text string) error {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%d parts", len(parts))
	}
	raw := make([][]byte, 3)
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return err
		}
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(g.public, crypto.SHA256, sum[:], raw[2]); err != nil {
		return err
	}
	var head struct{ Alg, Typ string }
	var claim struct {
		Iat, Exp int64
		Iss      string
	}
	if err := json.Unmarshal(raw[0], &head); err != nil || head.Alg != "RS256" || head.Typ != "JWT" {
		return fmt.Errorf("head %s: %w", raw[0], err)
	}
	if err := json.Unmarshal(raw[1], &claim); err != nil || claim.Iss != "12" {
		return fmt.Errorf("claim %s: %w", raw[1], err)
	}
	now := time.Now()
	if from, to := time.Unix(claim.Iat, 0), time.Unix(claim.Exp, 0); from.After(now) || to.Before(now) || to.Sub(from) > 10*time.Minute {
		return fmt.Errorf("from %v to %v", from, to)
	}
	return nil
}

// withApp serves a repository to the tokens that it is told of, and an App's API.
func withApp(t *testing.T) (*server, *github, Options) {
	t.Helper()
	key, text := rsaPEM(t, fewestBits, 1)
	g := &github{public: &key.PublicKey, lasts: time.Hour}
	api := httptest.NewServer(g)
	t.Cleanup(api.Close)
	s := serve(t, specs())
	o := options(s.url)
	o.Credentials = given(Credentials{App: App{ID: 12, Installation: 34, Key: text, URL: api.URL + "/api"}})
	return s, g, o
}

// only lets those in who come with that token.
func (s *server) only(token *string) {
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		user, password, _ := r.BasicAuth()
		if user != "x-access-token" || password != *token {
			http.Error(w, "your token is "+password, http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func TestGitHubApp(t *testing.T) {
	s, g, o := withApp(t)
	good := "ghs_secret1"
	s.only(&good)
	repo := open(t, o)
	if g.made != 0 {
		t.Error("Open asked for a token")
	}
	base := s.tip(t)
	for range 2 {
		if _, err := repo.Fetch(aMinute(t), base); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := repo.Commit(aMinute(t), base, selection("m", "x")); err != nil {
		t.Error(err)
	}
	if g.made != 1 || len(g.wrong) > 0 {
		t.Errorf("%d tokens were made, wrong: %q", g.made, g.wrong)
	}
}

// A token is renewed before its end, and once where the server does not take it any more, also in the middle of a call.
func TestGitHubAppRenews(t *testing.T) {
	s, g, o := withApp(t)
	g.lasts = early - time.Minute
	repo := open(t, o)
	good := ""
	s.only(&good)
	for _, good = range []string{"ghs_secret1", "ghs_secret2"} {
		if _, err := repo.Tip(aMinute(t)); err != nil {
			t.Error(err)
		}
	}
	g.lasts = time.Hour
	good = "ghs_secret4" // the third was revoked
	if _, err := repo.Tip(aMinute(t)); err != nil {
		t.Error(err)
	}
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "receive-pack") {
			good = "ghs_secret5"
		}
		if _, password, _ := r.BasicAuth(); password != good {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
	if got, err := repo.Commit(aMinute(t), s.tip(t), selection("m", "x")); err != nil || got != s.tip(t) {
		t.Errorf("Commit = %q, %v", got, err)
	}
	good = "none"
	s.only(&good)
	before := len(s.calls)
	_, err := repo.Tip(aMinute(t))
	if err == nil || !strings.Contains(err.Error(), "wants credentials") || strings.Contains(err.Error(), "ghs_") {
		t.Errorf("Tip = %v", err)
	}
	if n := len(s.calls) - before; n != 2 || len(g.wrong) > 0 {
		t.Errorf("%d requests, wrong: %q", n, g.wrong)
	}
}

func TestGitHubAppRefused(t *testing.T) {
	_, other := rsaPEM(t, fewestBits, 2)
	status := func(code int, header, text string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(text))
			return true
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter) bool
		key    []byte
		want   string
	}{
		{"another key", nil, other, "does not take the key"},
		{"suspended", status(403, "", ""), nil, "it is suspended"},
		{"no installation", status(404, "", ""), nil, "no such installation"},
		{"busy", status(429, "77", ""), nil, "429 Too Many Requests, and asks to be left alone for 1m17s"},
		{"broken", status(500, "", "<html>"), nil, "the server answers 500 Internal Server Error"},
		{"a page", status(201, "", "<html>"), nil, "not what GitHub says"},
		{"no token", status(201, "", `{"expires_at": "2026-01-01T00:00:00Z"}`), nil, "holds no token"},
		{"no end", status(201, "", `{"token": "x"}`), nil, "not when it ends"},
		{"endless", status(201, "", `{"token": "`+strings.Repeat("x", 2<<20)), nil, "too large"},
		{"redirect", func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "https://thief.example/x")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}, nil, "redirects to https://thief.example, which is not followed"},
	}
	for _, test := range tests {
		s, g, o := withApp(t)
		g.answer = test.answer
		if test.key != nil {
			c, _ := o.Credentials()
			c.App.Key = test.key
			o.Credentials = given(c)
		}
		_, err := open(t, o).Tip(aMinute(t))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Tip = %v; want %q", test.name, err, test.want)
		}
		if len(s.calls) != 0 {
			t.Errorf("%s: the repository's server was asked %q", test.name, s.calls)
		}
	}
}

func TestGitHubAppOptions(t *testing.T) {
	_, weak := rsaPEM(t, 1024, 1)
	_, good := rsaPEM(t, fewestBits, 1)
	tests := []struct {
		app  App
		want string
	}{
		{App{ID: 1, Installation: 2}, "needs its id"},
		{App{ID: 1, Key: good}, "needs its id"},
		{App{ID: -1, Installation: 2, Key: good}, "needs its id"},
		{App{ID: 1, Installation: 2, Key: []byte("s3cr3t")}, "not an RSA key"},
		{App{ID: 1, Installation: 2, Key: weak}, "1024 bits"},
		{App{ID: 1, Installation: 2, Key: good, URL: "http://example.com"}, "write https://"},
		{App{ID: 1, Installation: 2, Key: good, URL: "ssh://example.com/x"}, "write https://"},
		{App{ID: 1, Installation: 2, Key: good, URL: "https://bob:s3cr3t@example.com"}, "write https://"},
	}
	for _, test := range tests {
		o := options("https://example.com/x")
		o.Credentials = given(Credentials{App: test.app})
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("Open = %v; want %q", err, test.want)
		}
	}
	for repository, want := range map[string]string{
		"https://github.com/a/b":      "https://api.github.com/app/installations/2/access_tokens",
		"https://git.example:8443/a/": "https://git.example:8443/api/v3/app/installations/2/access_tokens",
	} {
		at, _ := url.Parse(repository)
		if got, err := apiOf(App{ID: 1, Installation: 2}, at); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v; want %s", repository, got, err, want)
		}
	}
}
