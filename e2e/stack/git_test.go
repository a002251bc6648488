//go:build e2e

package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGit(t *testing.T) {
	ctx := t.Context()
	g, err := StartGit(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	seed := t.TempDir()
	write(t, filepath.Join(seed, "models.cue"), "package models\n")
	if _, err := g.Seed(ctx, "the first", seed); err != nil {
		t.Fatal(err)
	}
	hash, err := g.Push(ctx, "one more", func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "with a space"), []byte("text\n"), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Traffic(); got != (Traffic{}) {
		t.Errorf("traffic %+v after a person's pushes, want none", got)
	}
	if text, err := g.ReadFile(ctx, "with a space"); err != nil || text != "text\n" {
		t.Errorf("file %q, %v", text, err)
	}

	// What the daemon will do, here with git itself in the protocol's version 0.
	clone := t.TempDir()
	v0 := []string{"-c", "protocol.version=0"}
	for _, args := range [][]string{
		{"clone", "--quiet", g.URL(), "."}, {"ls-remote", "origin"},
		{"commit", "--quiet", "--allow-empty", "--message=by http"}, {"push", "--quiet", "origin", "main"},
	} {
		if _, err := git(ctx, clone, append(v0, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	want := Traffic{Listings: 2, Fetches: 1, PushChecks: 1, Pushes: 1}
	if diff := cmp.Diff(want, g.Traffic()); diff != "" {
		t.Errorf("traffic (-want +got):\n%s", diff)
	}
	log, err := g.Log(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(log) != 3 || log[1].Hash != hash {
		t.Fatalf("log %+v, want 3 commits with %s in the middle", log, hash)
	}
	var got []string
	for _, c := range log {
		got = append(got, c.Author+": "+c.Subject+": "+strings.Join(c.Files, ","))
	}
	if diff := cmp.Diff([]string{"A Person: by http: ", "A Person: one more: with a space", "A Person: the first: models.cue"}, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
