//go:build e2e

package stack

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func TestFilter(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served") }))
	defer server.Close()
	c, err := Count(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := func(want string) {
		t.Helper()
		response, err := http.Get(c.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if text, err := io.ReadAll(response.Body); err != nil || string(text) != want {
			t.Errorf("%s, %v; want %s", text, err, want)
		}
	}
	ask("served")
	c.Filter(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		fmt.Fprint(w, "filtered, then ")
		next.ServeHTTP(w, r)
	})
	ask("filtered, then served")
	c.Filter(nil)
	ask("served")
	if n := c.Sum(func(Call) bool { return true }); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestMoves(t *testing.T) {
	ctx := t.Context()
	g, err := StartGit(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var tips []string
	for _, name := range []string{"a", "b"} {
		tip, err := g.Push(ctx, name, func(dir string) error { return os.WriteFile(filepath.Join(dir, name), nil, 0o644) })
		if err != nil {
			t.Fatal(err)
		}
		tips = append(tips, tip)
	}
	if moves, left, err := g.Moves(ctx); moves != 2 || len(left) != 0 || err != nil {
		t.Errorf("two pushes are %d moves that left %v behind, %v", moves, left, err)
	}
	if err := g.RestoreBranch(ctx, tips[0]); err != nil {
		t.Fatal(err)
	}
	if moves, left, err := g.Moves(ctx); moves != 3 || len(left) != 1 || left[0] != tips[1] || err != nil {
		t.Errorf("a move back is %d moves that left %v behind, %v; want 3 and %s", moves, left, err, tips[1])
	}
}
