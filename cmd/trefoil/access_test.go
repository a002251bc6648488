package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
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
