package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// App is an installation of a GitHub App: an account that belongs to no person, with rights of its own, whose tokens end after an hour.
type App struct {
	// ID and Installation are the numbers that GitHub shows for the App and where it is installed; both positive.
	ID, Installation int64
	// Key is the App's private key, RSA in PEM, 2,048 bits at least.
	Key []byte
	// URL is the API that makes tokens; empty is https://api.github.com for github.com and https://HOST/api/v3 for other hosts.
	URL string
}

func (a App) given() bool { return a.ID != 0 || a.Installation != 0 || len(a.Key) > 0 || a.URL != "" }

// appUser is whose password the token of an App is.
const appUser = "x-access-token"

// early is how long before its end a token is renewed: longer than any call takes.
const early = 5 * time.Minute

// app gets tokens for an installation and keeps the last one.
type app struct {
	App
	key     *rsa.PrivateKey
	api     *url.URL
	client  *http.Client
	secrets *redact.Memory
	now     func() time.Time

	mu   sync.Mutex
	last string // "": none that is good
	ends time.Time
}

func newApp(of App, access *access, base http.RoundTripper) (*app, error) {
	if of.ID <= 0 || of.Installation <= 0 || len(of.Key) == 0 {
		return nil, errors.New("a GitHub App needs its id, the number of an installation, and its private key")
	}
	key, err := rsaKey(of.Key)
	if err != nil {
		return nil, err
	}
	api, err := apiOf(of, access.location)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: base, CheckRedirect: sameOrigin}
	return &app{App: of, key: key, api: api, client: client, secrets: access.secrets, now: time.Now}, nil
}

// apiOf is where tokens are asked for: as safe a place as the repository's own has to be.
func apiOf(of App, repository *url.URL) (*url.URL, error) {
	usual := "https://" + repository.Host + "/api/v3"
	if repository.Host == "github.com" {
		usual = "https://api.github.com"
	}
	api, err := parseURL(cmp.Or(of.URL, usual) + "/")
	if err != nil || (api.Scheme != "https" && api.Scheme != "http") {
		return nil, errors.New("the URL of the GitHub App's API: write https://HOST/PATH, such as https://github.example.com/api/v3")
	}
	return api.JoinPath("app", "installations", fmt.Sprint(of.Installation), "access_tokens"), nil
}

// rsaKey never quotes what it could not read.
func rsaKey(text []byte) (*rsa.PrivateKey, error) {
	wrong := errors.New("the GitHub App's private key is not an RSA key in PEM: GitHub makes one where the App is described")
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, wrong
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, wrong
		}
		var ok bool
		if key, ok = parsed.(*rsa.PrivateKey); !ok {
			return nil, wrong
		}
	}
	if bits := key.N.BitLen(); bits < fewestBits {
		return nil, fmt.Errorf("the GitHub App's private key has %d bits, which is too few to be safe: at least %d", bits, fewestBits)
	}
	return key, nil
}

// token returns one that is good for some minutes.
func (a *app) token(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last != "" && a.now().Before(a.ends.Add(-early)) {
		return a.last, nil
	}
	token, ends, err := a.ask(ctx)
	if err != nil {
		return "", fmt.Errorf("a token for installation %d of the GitHub App %d: %w", a.Installation, a.ID, err)
	}
	a.secrets.AddBrief(token, basic(appUser, token)[len("Basic "):])
	a.last, a.ends = token, ends
	return token, nil
}

// drop forgets a token that the server did not take.
func (a *app) drop(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == token {
		a.last = ""
	}
}

func (a *app) ask(ctx context.Context) (string, time.Time, error) {
	claim, err := a.claim()
	if err != nil {
		return "", time.Time{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.api.String(), http.NoBody)
	if err != nil {
		return "", time.Time{}, err
	}
	request.Header.Set("Authorization", "Bearer "+claim)
	request.Header.Set("Accept", "application/vnd.github+json")
	response, err := a.client.Do(request)
	if err != nil {
		return "", time.Time{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return "", time.Time{}, a.refused(response)
	}
	return tokenIn(response.Body)
}

// tokenIn reads the answer, which also names every repository of the installation.
func tokenIn(body io.Reader) (string, time.Time, error) {
	const most = 1 << 20
	var answer struct {
		Token string    `json:"token"`
		Ends  time.Time `json:"expires_at"`
	}
	if err := json.NewDecoder(&capped{body, most, errTooLarge}).Decode(&answer); err != nil {
		return "", time.Time{}, fmt.Errorf("the answer is not what GitHub says: %w", err)
	}
	if answer.Token == "" || strings.ContainsAny(answer.Token, "\r\n") || answer.Ends.IsZero() {
		return "", time.Time{}, errors.New("the answer holds no token, or not when it ends")
	}
	return answer.Token, answer.Ends, nil
}

func (a *app) refused(response *http.Response) error {
	_, _ = io.CopyN(io.Discard, response.Body, 1<<16)                                                       // so that the connection can be used again
	busy := response.Header.Get("Retry-After") != "" || response.Header.Get("X-RateLimit-Remaining") == "0" // which GitHub answers 403 with
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized:
		return errors.New("GitHub does not take the key: compare id and key with the App's page, and this machine's clock with another one")
	case code == http.StatusForbidden && !busy, code == http.StatusNotFound:
		return errors.New("GitHub knows no such installation of the App, or it is suspended: look at the installation's page")
	}
	return answered(response, a.now())
}

// claim is a JSON Web Token that says who is asking, good for a few minutes: clocks may differ by one.
func (a *app) claim() (string, error) {
	now := a.now()
	head, body := `{"alg":"RS256","typ":"JWT"}`, new(bytes.Buffer)
	fmt.Fprintf(body, `{"iat":%d,"exp":%d,"iss":"%d"}`, now.Add(-time.Minute).Unix(), now.Add(8*time.Minute).Unix(), a.ID)
	text := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString(body.Bytes())
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
