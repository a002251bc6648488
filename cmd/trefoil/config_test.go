package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
)

// TestPrivateSettings reads the names of what a private repository and server need, and hands them to rendering.
func TestPrivateSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trefoil.yaml")
	text := "polyaxon: {gitConnection: specs}\nworkflows: {gitCredentials: git-login, polyaxonToken: polyaxon}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	unset := func(string) (string, bool) { return "", false }
	c, err := (&app{flags: flags{config: file}, env: unset}).config(pflag.NewFlagSet("", pflag.ContinueOnError))
	if err != nil {
		t.Fatal(err)
	}
	s := c.settings()
	got := [...]string{s.Polyaxon.GitConnection, s.Workflows.GitCredentials, s.Workflows.PolyaxonToken}
	if want := [...]string{"specs", "git-login", "polyaxon"}; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestI6Redact takes what the process knows out of what is written into the cluster.
func TestI6Redact(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"password": "canary-a\n", "token": "canary-b\n", "passphrase": "canary-d\n",
		"key": "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-e-and-more-of-it\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
		"kubeconfig": "{kind: Config, clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: a, user: {token: canary-c}}], " +
			"contexts: [{name: a, context: {cluster: a, user: a}}], current-context: a}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := defaults()
	c.Repository.PasswordFile, c.Polyaxon.TokenFile = filepath.Join(dir, "password"), filepath.Join(dir, "token")
	c.Repository.Signing = signingConfig{filepath.Join(dir, "key"), filepath.Join(dir, "passphrase")}
	c.Kubernetes.Kubeconfig = filepath.Join(dir, "kubeconfig")
	for what, clean := range map[string]func(string) string{"status": c.redact(), "diff": c.cleaner()} {
		text := clean("canary-a, canary-b, canary-c, canary-d and canary-e-and-more-of-it")
		if text != "[redacted], [redacted], [redacted], [redacted] and [redacted]" {
			t.Errorf("of the %s is left %q", what, text)
		}
	}
}
