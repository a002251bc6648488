//go:build e2e

package seldon_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestEnds: asked to, or left alone, the process ends, though a client keeps its connection.
func TestEnds(t *testing.T) {
	for name, end := range map[string]func(*process){
		"SIGTERM":      func(p *process) { p.signal(t, syscall.SIGTERM) },
		"SIGINT":       func(p *process) { p.signal(t, syscall.SIGINT) },
		"end of stdin": func(p *process) { _ = p.stdin.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, []string{"python3"}, "models", "Plain")
			if got := predict(`{"strData":"a"}`).ask(t, p.url); got.Status != http.StatusOK {
				t.Errorf("%d %s", got.Status, got.body())
			}
			idle, err := net.Dial("tcp", p.addr())
			if err != nil {
				t.Fatal(err)
			}
			defer idle.Close()
			end(p)
			if code, stdout := p.ended(t); code != 0 || stdout != "" {
				t.Errorf("exit %d, stdout %q, stderr:\n%s", code, stdout, p.stderr)
			}
		})
	}
}

// TestEndsWhileLoading: a model that loads for ever ends like any other.
func TestEndsWhileLoading(t *testing.T) {
	p := launch(t, []string{"python3"}, "models", "Endless")
	_ = p.stdin.Close()
	if code, stdout := p.ended(t); code == 0 || stdout != "" {
		t.Errorf("exit %d, stdout %q, stderr:\n%s", code, stdout, p.stderr)
	}
}

// slow starts a model that answers what is written into the returned file, and asks it.
func slow(t *testing.T) (p *process, file string, answers <-chan exchange) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "answer")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	p = serve(t, []string{"python3"}, "models", "Slow")
	got := make(chan exchange, 1)
	go func() {
		answer, _ := predict(`{"strData":`+strconv.Quote(file)+`}`).send(t.Context(), p.url)
		got <- answer // the zero one if the process cut it off
	}()
	for !strings.Contains(p.stderr.String(), "asked") {
		if resp := (exchange{Method: http.MethodGet, Path: "/health/ping"}).ask(t, p.url); resp.body() != "pong" {
			t.Fatalf("%d %s", resp.Status, resp.body())
		}
	}
	return p, file, got
}

// TestEndsAfterAnswers: what is in work when the signal comes is answered, and nothing new is taken.
func TestEndsAfterAnswers(t *testing.T) {
	p, file, answers := slow(t)
	p.signal(t, syscall.SIGTERM)
	for { // until it listens no more
		conn, err := net.Dial("tcp", p.addr())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	if err := os.WriteFile(file, []byte("late"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-answers; got.body() != `{"meta":{},"strData":"late"}`+"\n" || got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.body())
	}
	if code, _ := p.ended(t); code != 0 {
		t.Errorf("exit %d, stderr:\n%s", code, p.stderr)
	}
}

// TestEndsWithoutAnswers: a model that doesn't answer is not waited for without end.
func TestEndsWithoutAnswers(t *testing.T) {
	p, _, answers := slow(t)
	p.signal(t, syscall.SIGTERM)
	if code, _ := p.ended(t); code != 1 {
		t.Errorf("exit %d, stderr:\n%s", code, p.stderr)
	}
	if got := <-answers; got.Status != 0 {
		t.Errorf("answered: %d %s", got.Status, got.body())
	}
}
