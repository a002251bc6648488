package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	secret = "3f9c0d2b7a51e864"
	next   = "the-one-after-that"
)

// told is what a handler told, and whom it follows.
type told struct {
	pokes   int
	results []Result
	secrets []string
	err     error
}

func (t *told) handler() http.Handler {
	return Handler(Options{
		Repository: "https://git.example.com/ml/models.git", Branch: "main",
		Secrets: func() ([]string, error) { return t.secrets, t.err },
		Poke:    func() { t.pokes++ },
		Count:   func(r Result) { t.results = append(t.results, r) },
	})
}

// follower has one secret.
func follower() *told { return &told{secrets: []string{secret}} }

func mac(algorithm func() hash.Hash, secret, body string) string {
	h := hmac.New(algorithm, []byte(secret))
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}

// github is how GitHub signs.
func github(secret, body string) string { return "sha256=" + mac(sha256.New, secret, body) }

// request has headers, written "Name: value".
func request(body io.Reader, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", body)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

const push = `{"ref": "refs/heads/main", "repository": {"clone_url": "https://git.example.com/ml/models.git"}}`

// TestSignatures signs as the git servers do, and as they do not.
func TestSignatures(t *testing.T) {
	right, other := github(secret, push), github(next, push)
	bare, old := strings.TrimPrefix(right, "sha256="), "X-Hub-Signature: sha1="+mac(sha1.New, secret, push)
	for name, tc := range map[string]struct {
		headers []string
		want    Result
	}{
		"GitHub":                {[]string{"X-Hub-Signature-256: " + right, old, "X-GitHub-Event: push"}, Taken},
		"Gitea":                 {[]string{"X-Gitea-Signature: " + bare, "X-Hub-Signature-256: " + right, old}, Taken},
		"Gogs":                  {[]string{"X-Gogs-Signature: " + bare}, Taken},
		"Forgejo":               {[]string{"X-Forgejo-Signature: " + bare}, Taken},
		"GitLab":                {[]string{"X-Gitlab-Token: " + secret, "X-Gitlab-Event: Push Hook"}, Taken},
		"Bitbucket":             {[]string{"X-Hub-Signature: " + right}, Taken},
		"digits in upper case":  {[]string{"X-Gitea-Signature: " + strings.ToUpper(bare)}, Taken},
		"two that are right":    {[]string{"X-Gitlab-Token: " + secret, "X-Gitea-Signature: " + bare}, Taken},
		"none":                  {nil, Unsigned},
		"SHA-1 alone":           {[]string{old}, Unsigned},
		"SHA-1 elsewhere":       {[]string{"X-Hub-Signature-256: sha1=" + mac(sha1.New, secret, push), "X-Gitea-Signature: " + bare}, Unsigned},
		"of another secret":     {[]string{"X-Hub-Signature-256: " + other}, Unsigned},
		"a wrong token":         {[]string{"X-Gitlab-Token: " + secret + "x"}, Unsigned},
		"an empty token":        {[]string{"X-Gitlab-Token: "}, Unsigned},
		"a token of the digits": {[]string{"X-Gitlab-Token: " + bare}, Unsigned},
		"no secret at Gitea":    {[]string{"X-Gitea-Signature: ", "X-Hub-Signature-256: sha256=", "X-Hub-Signature: sha1="}, Unsigned},
		"one of two wrong":      {[]string{"X-Hub-Signature-256: " + right, "X-Gitlab-Token: no"}, Unsigned},
		"one twice":             {[]string{"X-Hub-Signature-256: " + right, "X-Hub-Signature-256: " + other}, Unsigned},
		"cut short":             {[]string{"X-Hub-Signature-256: " + right[:len(right)-2]}, Unsigned},
		"without its name":      {[]string{"X-Hub-Signature-256: " + bare}, Unsigned},
		"of another algorithm":  {[]string{"X-Hub-Signature-256: " + right, "X-Hub-Signature: md5=00"}, Unsigned},
		"no digits":             {[]string{"X-Gitea-Signature: " + strings.Repeat("zz", sha256.Size)}, Unsigned},
	} {
		t.Run(name, func(t *testing.T) {
			state := follower()
			w := httptest.NewRecorder()
			state.handler().ServeHTTP(w, request(strings.NewReader(push), tc.headers...))
			if len(state.results) != 1 || state.results[0] != tc.want || (state.pokes == 1) != (tc.want == Taken) {
				t.Errorf("%v with %d pokes (%s), want %s", state.results, state.pokes, strings.TrimSpace(w.Body.String()), tc.want)
			}
		})
	}
}

// TestSecretsRotate: while the secret changes at the git server both are right, but not both in one request; then only the new one is.
func TestSecretsRotate(t *testing.T) {
	state := &told{}
	handler := state.handler()
	send := func(headers ...string) Result {
		handler.ServeHTTP(httptest.NewRecorder(), request(strings.NewReader(push), headers...))
		return state.results[len(state.results)-1]
	}
	before, after := "X-Hub-Signature-256: "+github(secret, push), "X-Hub-Signature-256: "+github(next, push)
	for i, step := range []struct {
		secrets []string
		headers []string
		want    Result
	}{
		{[]string{secret}, []string{before}, Taken},
		{[]string{secret}, []string{after}, Unsigned},
		{[]string{secret, next}, []string{before}, Taken},
		{[]string{secret, next}, []string{after}, Taken},
		{[]string{secret, next}, []string{before, "X-Gitlab-Token: " + next}, Unsigned},
		{[]string{next}, []string{before}, Unsigned},
		{[]string{next}, []string{after}, Taken},
		{nil, []string{after}, Unsigned},
	} {
		state.secrets = step.secrets
		if got := send(step.headers...); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	state.err = errors.New("gone")
	if got := send(after); got != Failed {
		t.Errorf("without a secret that can be read: %s", got)
	}
}

// TestAnswers has each answer, with what it says to the person who looks at the deliveries of a git server.
func TestAnswers(t *testing.T) {
	signed := func(body string, headers ...string) *http.Request {
		return request(strings.NewReader(body), append(headers, "X-Hub-Signature-256: "+github(secret, body))...)
	}
	declared := signed("")
	declared.ContentLength = largest + 1
	for name, tc := range map[string]struct {
		state   func(*told)
		request *http.Request
		code    int
		says    string
	}{
		"taken":            {nil, signed(push), 204, ""},
		"no JSON":          {nil, signed("payload=%7B%7D"), 204, ""},
		"ping":             {nil, signed("{}", "X-GitHub-Event: ping"), 200, "pong"},
		"ping, unsigned":   {nil, request(strings.NewReader("{}"), "X-GitHub-Event: ping"), 401, "not signed"},
		"other repository": {nil, signed(strings.ReplaceAll(push, "ml/models", "ml/others")), 202, "another repository: nobody looks"},
		"other branch":     {nil, signed(strings.ReplaceAll(push, "heads/main", "heads/topic")), 202, "another branch, or a tag: nobody looks"},
		"too large":        {nil, signed(strings.Repeat(" ", largest+1)), 413, "noticed by the next poll"},
		"said to be large": {nil, declared, 413, "noticed by the next poll"},
		"just not":         {nil, signed(strings.Repeat(" ", largest)), 204, ""},
		"cut":              {nil, request(iotest.ErrReader(io.ErrUnexpectedEOF), "X-Gitlab-Token: "+secret), 400, "could not be read"},
		"no secret":        {func(s *told) { s.err = errors.New("canary") }, signed(push), 500, "its log says why"},
		"GET":              {nil, httptest.NewRequest(http.MethodGet, "/webhook", nil), 405, "Method Not Allowed"},
		"elsewhere":        {nil, httptest.NewRequest(http.MethodPost, "/webhook/x", nil), 404, "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			state := follower()
			if tc.state != nil {
				tc.state(state)
			}
			w := httptest.NewRecorder()
			state.handler().ServeHTTP(w, tc.request)
			said := w.Body.String()
			if w.Code != tc.code || !strings.Contains(said, tc.says) || (state.pokes == 1) != (tc.code == 204) {
				t.Errorf("%d %q with %d pokes, want %d %q", w.Code, said, state.pokes, tc.code, tc.says)
			}
			for _, never := range []string{secret, "canary", github(secret, push)} {
				if strings.Contains(said, never) {
					t.Errorf("I6: it says %q", said)
				}
			}
		})
	}
}

// TestPanic: whatever panics costs its own request only, and no place.
func TestPanic(t *testing.T) {
	var results []Result
	handler := Handler(Options{
		Secrets: func() ([]string, error) { panic("at the disco") }, Count: func(r Result) { results = append(results, r) },
	})
	for range crowd + 1 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request(strings.NewReader(""), "X-Gitlab-Token: x"))
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disco") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if fmt.Sprint(results[crowd:]) != "[failed]" {
		t.Errorf("the last one is %v", results[crowd:])
	}
}

// FuzzWebhook: no body and no header makes a panic, or a poke without the right signature; and no right one goes without an answer.
func FuzzWebhook(f *testing.F) {
	f.Add([]byte(push), "X-Hub-Signature-256", github(secret, push))
	f.Add([]byte(`{"ref": 1, "repository": {"url": []}}`), "X-Gitea-Signature", mac(sha256.New, secret, "x"))
	f.Add([]byte(`{"project": {"git_ssh_url": "git@host:a/b.git"}}`), "X-Gitlab-Token", "x")
	f.Add(bytes.Repeat([]byte("["), 20_000), "X-Hub-Signature", "sha1=")
	f.Fuzz(func(t *testing.T, body []byte, name, value string) {
		state := follower()
		r := request(bytes.NewReader(body))
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		state.handler().ServeHTTP(httptest.NewRecorder(), r)
		if state.pokes > 0 && value != secret && !strings.Contains(strings.ToLower(value), mac(sha256.New, secret, string(body))) {
			t.Errorf("a poke for %s: %q", name, value)
		}
		if state.results[0] == Failed {
			t.Error("it panics")
		}
		// Another header of ours, whatever it holds, does not make a right signature a wrong one, but for those that sign too.
		r = request(bytes.NewReader(body), "X-Hub-Signature-256: "+github(secret, string(body)))
		state.handler().ServeHTTP(httptest.NewRecorder(), r)
		if got := state.results[1]; len(body) <= largest && got != Taken && got != Other {
			t.Errorf("a signed one is %s", got)
		}
	})
}
