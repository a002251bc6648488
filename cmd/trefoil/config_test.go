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
