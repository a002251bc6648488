package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// TestMask plants secrets in an object: what is printed has none of them, and shows that they differ.
func TestMask(t *testing.T) {
	const live = `{
		"env": [{"name": "WORKERS", "value": "2"}, {"name": "API_TOKEN", "value": "planted-1"}, {"name": "EMPTY_SECRET", "value": ""},
			{"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "regcred", "key": "token"}}}, {"name": "FILE", "value": "x planted-file y"}],
		"args": ["--lr=0.1", "--password", "planted-2", "--api-key=planted-3", "https://me:planted-4@example.com"],
		"oauth_secret": "planted-5", "secretName": "regcred", "tokenExpirationSeconds": 3600}`
	git := strings.ReplaceAll(strings.ReplaceAll(live, "planted-1", "planted-other"), "planted-3", "planted-3b")
	m := newMask(redact.Secrets("planted-file"))
	want := `{"args":["--lr=0.1","--password","[redacted]","--api-key=[redacted]","https://me:[redacted]@example.com"],` +
		`"env":[{"name":"WORKERS","value":"2"},{"name":"API_TOKEN","value":"[redacted]"},{"name":"EMPTY_SECRET","value":""},` +
		`{"name":"FROM","valueFrom":{"secretKeyRef":{"key":"token","name":"regcred"}}},{"name":"FILE","value":"x [redacted] y"}],` +
		`"oauth_secret":"[redacted]","secretName":"regcred","tokenExpirationSeconds":3600}`
	for i, text := range []string{live, git} {
		if i == 1 {
			want = strings.Replace(want, `"API_TOKEN","value":"[redacted]"`, `"API_TOKEN","value":"[redacted] (value 2)"`, 1)
			want = strings.Replace(want, `--api-key=[redacted]`, `--api-key=[redacted] (value 2)`, 1)
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(m.tree(object))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if again, _ := json.Marshal(object); !strings.Contains(string(again), "planted-2") {
			t.Error("the object itself was changed")
		}
	}
}

// TestMaskField knows a variable by the path alone.
func TestMaskField(t *testing.T) {
	path := compare.Path{{Name: "env"}, {Name: "DB_PASSWORD", Element: true}, {Name: "value"}}
	plain := func(s string) string { return s }
	for cause, want := range map[compare.Cause][2]string{
		compare.Changed: {"[redacted]", "[redacted] (value 2)"}, compare.Drift: {"[redacted] (value 2)", "[redacted]"},
	} {
		f := newMask(plain).field(compare.Field{Path: path, Live: "a", Git: "b", Cause: cause})
		if f.Live != want[0] || f.Git != want[1] {
			t.Errorf("%q: live %v, git %v", cause, f.Live, f.Git)
		}
	}
	if f := newMask(plain).field(compare.Field{Path: path, Git: "b"}); f.Live != nil || f.Git != redact.Mark {
		t.Errorf("of none: live %v, git %v", f.Live, f.Git)
	}
}

// TestSecretFiles has each secret of the configuration taken out, of a key its lines.
func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	c := defaults()
	c.Repository.PasswordFile = file("password", "planted-password\n")
	c.Repository.SSHKeyFile = file("key", "-----BEGIN KEY-----\nplanted-line-1-of-the-key\nplanted-line-2-of-the-key\n-----END KEY-----\n")
	c.Polyaxon.TokenFile = file("token", "planted-token")
	c.Kubernetes.Kubeconfig = file("kubeconfig", `{kind: Config, clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: u, user: {token: planted-bearer}}],
		contexts: [{name: a, context: {cluster: a, user: u}}], current-context: a}`)
	text := "planted-password planted-line-2-of-the-key planted-token planted-bearer END BEGIN"
	if got := c.cleaner()(text); got != "[redacted] [redacted] [redacted] [redacted] END BEGIN" {
		t.Errorf("it becomes %q", got)
	}
}

// TestPainter paints a unified diff, and where nobody watches leaves it.
func TestPainter(t *testing.T) {
	const text = "diff a b\n--- a\n+++ b\n@@ -1 +1 @@\n same\n-old\n+new\n# by x\nend"
	if got := (painter{}).unified(text); got != text {
		t.Errorf("painted: %q", got)
	}
	want := "\x1b[1mdiff a b\x1b[0m\n\x1b[1m--- a\x1b[0m\n\x1b[1m+++ b\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n same\n\x1b[31m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n\x1b[33m# by x\x1b[0m\nend"
	if got := (painter{true}).unified(text); got != want {
		t.Errorf("painted: %q", got)
	}
	if got := printable("a\x1b[31mb\u202ec\u009b\n"); got != "a\ufffd[31mb\ufffdc\ufffd\n" {
		t.Errorf("printable: %q", got)
	}
}
