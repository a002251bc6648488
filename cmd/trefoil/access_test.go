package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
)

// mount lays a file out as a kubelet does with a Secret, and replaces it as that does: all that people see are links.
func mount(t *testing.T, dir, name, text string) {
	t.Helper()
	version, err := os.MkdirTemp(dir, "..version-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(version, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(dir, "..data_tmp")
	if err := os.Symlink(filepath.Base(version), next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
}

// gitServer answers with one branch, and tells by which header it was asked.
func gitServer(t *testing.T) (url string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		line := "1234567890123456789012345678901234567890 refs/heads/main\x00shallow\n"
		fmt.Fprintf(w, "001e# service=git-upload-pack\n0000%04x%s0000", len(line)+4, line)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/x.git", asked
}

// TestSecretSwap replaces a Secret under a running process: the next operation uses it.
func TestSecretSwap(t *testing.T) {
	dir := t.TempDir()
	c := defaults()
	var asked *[]string
	c.Repository.URL, asked = gitServer(t)
	c.Repository.BearerTokenFile = filepath.Join(dir, "token")
	mount(t, dir, "token", "first\n")
	repo, err := c.source()
	if err != nil {
		t.Fatal(err)
	}
	tip := func(works bool) {
		t.Helper()
		if _, err := repo.Tip(t.Context()); (err == nil) != works {
			t.Errorf("Tip = %v", err)
		}
	}
	tip(true)
	mount(t, dir, "token", "second\n")
	tip(true)
	mount(t, dir, "token", "") // not yet written
	tip(false)
	mount(t, dir, "token", "third")
	tip(true)
	if got := fmt.Sprint(*asked); got != "[Bearer first Bearer second Bearer third]" {
		t.Errorf("asked with %s", got)
	}
}

// TestI6RedactAfterSwap takes out also what was in a file before.
func TestI6RedactAfterSwap(t *testing.T) {
	dir := t.TempDir()
	c := defaults()
	c.Repository.GitHubApp.PrivateKeyFile = filepath.Join(dir, "key")
	mount(t, dir, "key", "canary-first")
	clean := c.redact()
	if got := clean("canary-first"); got != "[redacted]" {
		t.Errorf("left is %q", got)
	}
	mount(t, dir, "key", "canary-second")
	if got := clean("canary-first"); got != "[redacted]" {
		t.Errorf("left of the old one is %q", got)
	}
}

// TestAccessFields reads each file of the configuration into its place.
func TestAccessFields(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		name := filepath.Join(dir, text)
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	text := fmt.Sprintf("repository: {username: bob, passwordFile: %q, bearerTokenFile: %q, githubApp: {id: 1, installation: 2, privateKeyFile: %q, url: 'https://x'},"+
		"clientCertificateFile: %q, clientKeyFile: %q, caFile: %q, sshKeyFile: %q, sshKeyPassphraseFile: %q, knownHostsFile: hosts}\n",
		file("password"), file("bearer"), file("app"), file("cert"), file("certkey"), file("ca"), file("ssh"), file("passphrase"))
	c := config{}
	if err := os.WriteFile(filepath.Join(dir, "trefoil.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&app{flags: flags{config: filepath.Join(dir, "trefoil.yaml")}, env: os.LookupEnv}).readFile(&c); err != nil {
		t.Fatal(err)
	}
	got, err := c.Repository.credentials()
	if err != nil {
		t.Fatal(err)
	}
	want := gitrepo.Credentials{
		Username: "bob", Password: "password", BearerToken: "bearer",
		App:         gitrepo.App{ID: 1, Installation: 2, Key: []byte("app\n"), URL: "https://x"},
		Certificate: []byte("cert\n"), CertificateKey: []byte("certkey\n"), CA: []byte("ca\n"),
		SSHKey: []byte("ssh\n"), SSHPassphrase: "passphrase", KnownHosts: "hosts",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if hidden := c.redact()("password bearer app certkey ssh passphrase"); hidden != strings.TrimSpace(strings.Repeat("[redacted] ", 6)) {
		t.Errorf("I6: left is %q", hidden)
	}
}
