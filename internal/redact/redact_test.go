package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// I6: whatever form a secret takes, it is not in the text any more, and all around it is.
func TestSecrets(t *testing.T) {
	for _, secret := range []string{
		`tok/+"&<%='en\x-0123456789U`, "pässwört-für-€uch-😀-0123", "bytes-\xff\xfe\xc3-0123456789",
		strings.Repeat("eyJhbGciOiJSUzI1NiJ9.x/+~", 40), strings.Repeat("not a token, but a long text ", 10),
	} {
		t.Run(fmt.Sprintf("%q", secret), func(t *testing.T) { hidden(t, secret) })
	}
}

func hidden(t *testing.T, secret string) {
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{
		secret, string(quoted), fmt.Sprintf("%q", secret), fmt.Sprintf("%+q", fmt.Sprintf("%q", secret)), strings.ToUpper(secret),
		url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(url.QueryEscape(secret)), url.PathEscape(string(quoted)),
		html.EscapeString(secret), hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
		each(secret, "%d "), each(secret, "%d, "), each(secret, "%%%02x"), each(secret, `\u00%02x`), each(secret, `\x%02x`),
	}
	for before := range 4 {
		text := []byte(strings.Repeat("u", before) + ":" + secret)
		said = append(said, base64.StdEncoding.EncodeToString(text), base64.URLEncoding.EncodeToString(text),
			url.QueryEscape(base64.StdEncoding.EncodeToString(text)))
	}
	clean := Secrets("", secret)
	left := regexp.MustCompile(`^it said (?:["\\=, ]|%22|%3D)*\[redacted\](?:["\\=, ]|%22|%3D)* and no more$`) // quotes, and what fills up base64
	for _, text := range said {
		if got := clean("it said " + text + " and no more"); !left.MatchString(got) {
			t.Errorf("%s becomes %s", text, got)
		}
	}
}

func each(text, format string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, format, text[i])
	}
	return b.String()
}

// TestLongSecrets has nobody wait, run out of memory or end for what is longer than any secret, and cuts nothing else out of what was said.
func TestLongSecrets(t *testing.T) {
	token := strings.Repeat("eyJhbGciOiJSUzI1NiJ9.", 100)
	clean := Secrets(token)
	const want = `{"kind":"Status","message":"not [redacted]","code":401}`
	if got := clean(strings.Replace(want, Mark, token, 1)); got != want {
		t.Errorf("it becomes %s", got)
	}
	for _, secret := range []string{strings.Repeat("x", 1<<20), strings.Repeat("x y", 1<<20)} {
		got := Secrets(secret)("said " + secret[:most] + ", twice")
		if !strings.HasPrefix(got, "said [redacted]") || !strings.HasSuffix(got, ", twice") {
			t.Errorf("it becomes %.100s", got)
		}
	}
}

// TestLongSecretsToTheEnd leaves nothing of a secret that is longer than what is looked for, in whichever form it was repeated.
func TestLongSecretsToTheEnd(t *testing.T) {
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "line %03d of ä text", i)
	}
	secret := b.String()
	clean := Secrets("another", secret, "line 399")
	for said, want := range map[string]string{
		"it said " + secret + " and more": "it said [redacted] and more", "twice " + secret + ", " + secret: "twice [redacted], [redacted]",
		"half of " + secret[:len(secret)/2] + "!": "half of [redacted]!",
		// where it ends can't be told
		"it said " + url.QueryEscape(secret) + " and more":                                "it said [redacted]",
		"it said " + hex.EncodeToString([]byte(secret)) + " and more":                     "it said [redacted]",
		"it said " + base64.StdEncoding.EncodeToString([]byte("a:"+secret)) + " and more": "it said [redacted]",
	} {
		if got := clean(said); got != want {
			t.Errorf("%.40s becomes %.200s", said, got)
		}
	}
}

// TestLongSecretsAnywhere cuts what is looked for between characters, wherever they begin.
func TestLongSecretsAnywhere(t *testing.T) {
	for before := range 4 {
		secret := strings.Repeat("x", before) + strings.Repeat("€ ", most)
		if got := Secrets(secret)("it said " + secret + "!"); got != "it said [redacted]!" {
			t.Errorf("it becomes %.100s", got)
		}
	}
}

func TestNothingToRedact(t *testing.T) {
	const text = "planning on commit 0a99611, 3 models"
	for _, clean := range []func(string) string{
		Secrets(), Secrets(""), Secrets("another", "secret"), Secrets(Authorization("")...), Secrets(Authorization("Bearer other")...),
	} {
		if got := clean(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestAuthorization(t *testing.T) {
	login := base64.StdEncoding.EncodeToString([]byte("bob:pass:word"))
	for header, said := range map[string]string{
		"Bearer abc.def": "Bearer abc.def", "Token abc": "abc", "abcdef": "abcdef", "Basic " + login: "bob:pass:word and " + login,
	} {
		got := Secrets(Authorization(header)...)("you sent " + said)
		if strings.Contains(got, "abc") || strings.Contains(got, "pass") || strings.Contains(got, login) {
			t.Errorf("%s becomes %s", said, got)
		}
	}
}

func TestNamed(t *testing.T) {
	for _, name := range []string{
		"DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "apiKey", "API-KEY", "oauth_secret", "passwd", "PGPASSWORD", "Authorization",
		"SESSION_KEY", "HTTP_AUTH", "auth", "GH_PAT", "credentials", "storage.account.key",
	} {
		if !Named(name) {
			t.Errorf("%s is no secret", name)
		}
	}
	for _, name := range []string{"", "name", "image", "AUTHOR", "TOKENIZERS_PARALLELISM", "max_tokens", "PATH", "key", "spin", "disk", "KEYBOARD"} {
		if Named(name) {
			t.Errorf("%s is a secret", name)
		}
	}
}

func TestAssigned(t *testing.T) {
	for text, want := range map[string]string{
		"--lr=0.1":                               "--lr=0.1",
		"--api-key=hunter2 --lr=0.1":             "--api-key=[redacted] --lr=0.1",
		"export TOKEN='hunter 2'; run":           "export TOKEN=[redacted]; run",
		`{"password": "hunter2", "x": 1}`:        `{"password": [redacted], "x": 1}`,
		`{"password":"hunter2","x":1}`:           `{"password":[redacted],"x":1}`,
		"Authorization: Basic":                   "Authorization: [redacted]",
		"https://me:hunter2@example.com/x":       "https://me:[redacted]@example.com/x",
		"https://example.com/x?token=hunter2&y=": "https://example.com/x?token=[redacted]&y=",
		"registry.example/token:1.2":             "registry.example/token:1.2",
		"token://x":                              "token://x",

		// headers
		"Authorization: Bearer hunter2":               "Authorization: [redacted]",
		"proxy-authorization=basic aHVudGVyMg==, x":   "proxy-authorization=[redacted], x",
		"curl -H 'Authorization: Token hunter2' x":    "curl -H 'Authorization: [redacted]' x",
		`{"Authorization": "Bearer hunter2", "x": 1}`: `{"Authorization": [redacted], "x": 1}`,

		// behind other words
		"RuntimeError: DB_PASSWORD=hunter2":        "RuntimeError: DB_PASSWORD=[redacted]",
		"error: password: hunter2":                 "error: password: [redacted]",
		"fatal: error: token=hunter2: no":          "fatal: error: token=[redacted] no",
		"x=y=token=hunter2":                        "x=y=token=[redacted]",
		`msg="login failed" password="hunter2 and`: `msg="login failed" password=[redacted]`,
		`"{\"token\":\"hunter 2\",\"x\":1}"`:       `"{\"token\":[redacted],\"x\":1}"`,
		`password="hunter\" 2" lr=1`:               "password=[redacted] lr=1",

		// arguments
		"train.py --password hunter2 --lr 0.1":         "train.py --password [redacted] --lr 0.1",
		"error: --password 'hunter 2'":                 "error: --password [redacted]",
		"['train.py', '--api-key', 'hunter2', '--lr']": "['train.py', '--api-key', [redacted], '--lr']",
		"--token --lr 0.1":                             "--token --lr 0.1",
		"--token is required, or --password":           "--token is required, or --password",
		"--tokenizer bert --max-tokens 5":              "--tokenizer bert --max-tokens 5",

		// URLs
		"clone https://hunter2@example.com/x":             "clone https://[redacted]@example.com/x",
		"https://hunter2:@example.com":                    "https://[redacted]@example.com",
		"https://hunter2:x-oauth-basic@example.com":       "https://[redacted]@example.com",
		"postgres://me:hunter/2@db/x":                     "postgres://me:[redacted]@db/x",
		"postgres://me:hunter@2@db/x":                     "postgres://me:[redacted]@db/x",
		"redis://:hunter2@db":                             "redis://:[redacted]@db",
		"ssh://git@example.com/x":                         "ssh://git@example.com/x",
		"http://example.com:8080/users/me@example.com":    "http://example.com:8080/users/me@example.com",
		"http://[::1]:8080/me@example.com":                "http://[::1]:8080/me@example.com",
		"https://example.com/x, me@example.com":           "https://example.com/x, me@example.com",
		`{"url":"https://example.com","mail":"me@a.com"}`: `{"url":"https://example.com","mail":"me@a.com"}`,

		// nothing secret
		"token expired": "token expired",
		"the password is wrong; secret not found": "the password is wrong; secret not found",
		"password: ":                       "password: ",
		`password: "" x`:                   `password: "" x`,
		"epoch 3: loss=0.1, accuracy: 0.9": "epoch 3: loss=0.1, accuracy: 0.9",
	} {
		if got := Assigned(text); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
		if got := Assigned(want); got != want {
			t.Errorf("%s becomes %s", want, got)
		}
	}
}

// TestAssignedToTheEnd: a text of nothing but beginnings is read once, not once for each of them.
func TestAssignedToTheEnd(t *testing.T) {
	const many = 1 << 12
	for _, part := range []string{"a=", "token=", "token: ", `token="`, "://u:", "://u:p/", "https://", "--token ", "- ", "-", "\\", " ", `a"`, "Bearer "} {
		Assigned(strings.Repeat(part, many)) // takes very long where it is read again for each of them
	}
}
