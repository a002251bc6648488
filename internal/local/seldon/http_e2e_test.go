//go:build e2e

package seldon_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/local/seldon"
)

// raw writes bytes to a server and reads its answers: one for each method in methods.
func raw(t *testing.T, p *process, text string, methods ...string) []exchange {
	t.Helper()
	conn, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	var all []exchange
	for _, method := range methods {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("answer %d: %v", len(all)+1, err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		text := string(body)
		all = append(all, exchange{Status: response.StatusCode, Body: &text})
	}
	if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
		t.Errorf("after the answers: %q, %v", rest, err)
	}
	return all
}

// TestHTTP has what HTTP allows, and what it doesn't.
func TestHTTP(t *testing.T) {
	const (
		head   = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		noJSON = `{"status":{"code":-1,"info":"Can't find JSON in data","reason":"MICROSERVICE_BAD_DATA","status":1}}` + "\n"
		good   = `{"meta":{},"strData":"a"}` + "\n"
	)
	p := serve(t, []string{"python3"}, "models", "Plain")
	for name, c := range map[string]struct{ request, want string }{
		"chunked":          {head + "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n{\"str\r\na\r\nData\":\"a\"}\r\n0\r\nA: b\r\n\r\n", good},
		"bad chunks":       {head + "Transfer-Encoding: chunked\r\n\r\nx\r\n", noJSON},
		"negative chunk":   {head + "Transfer-Encoding: chunked\r\n\r\n-5\r\n", noJSON},
		"no length":        {head + "\r\n", noJSON},
		"bad length":       {head + "Content-Length: -5\r\n\r\n{}", noJSON},
		"half a body":      {head + "Content-Length: 15\r\n\r\n{\"strData\"", noJSON},
		"HTTP/1.0":         {strings.Replace(head, "1.1", "1.0", 1) + "Content-Length: 15\r\n\r\n{\"strData\":\"a\"}", good},
		"deep":             {head + "Content-Length: 9\r\n\r\n[[[[[[[[[", noJSON},
		"absurd utf-8":     {head + "Content-Length: 3\r\n\r\n\"\xff\"", noJSON},
		"too large":        {head + fmt.Sprintf("Content-Length: %d\r\n\r\n{}", 64<<20+1), large},
		"too large chunks": {head + "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n{}", large},
	} {
		t.Run(name, func(t *testing.T) {
			if got := raw(t, p, c.request, http.MethodPost)[0]; got.body() != c.want {
				t.Errorf("%d %s", got.Status, got.body())
			}
		})
	}
	t.Run("keep-alive", func(t *testing.T) {
		ping := "GET /health/ping HTTP/1.1\r\n\r\n"
		got := raw(t, p, strings.Repeat(ping, 2)+"HEAD"+ping[3:]+head+"Content-Length: 15\r\n\r\n{\"strData\":\"a\"}"+ping,
			http.MethodGet, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodGet)
		for i, want := range []string{"pong", "pong", "", good, "pong"} {
			if got[i].body() != want {
				t.Errorf("answer %d: %q", i+1, got[i].body())
			}
		}
	})
}

const large = `{"status":{"code":-1,"info":"413 Request Entity Too Large: The data value transmitted exceeds the capacity limit.",` +
	`"reason":"MICROSERVICE_INTERNAL_ERROR","status":1}}` + "\n"

// TestContinue: a client that asks before it sends a large body gets its answer, directly and through Front.
func TestContinue(t *testing.T) {
	p := serve(t, []string{"python3"}, "models", "Plain")
	f, url := front(t)
	f.Route("ml", "mnist", p.addr())
	request := predict(`{"strData":"` + strings.Repeat("x", 10<<20) + `"}`)
	request.Headers["Expect"] = "100-continue"
	for _, base := range []string{p.url, url} {
		got := request.ask(t, base)
		if want := strings.Replace(request.body(), "{", `{"meta":{},`, 1) + "\n"; got.Status != http.StatusOK || got.body() != want {
			t.Errorf("%d, %d bytes", got.Status, len(got.body()))
		}
	}
}

// TestStalled: a body that stops coming ends its connection. The minute that this takes is a moment here.
func TestStalled(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server.py"), seldon.Server, 0o600); err != nil {
		t.Fatal(err)
	}
	const impatient = "import server, sys; server.Handler.timeout = 0.2; sys.argv[1:] = ['Plain']; server.main()"
	p := ready(t, "Plain", command(t, []string{"python3", "-c", impatient}, "models", "PYTHONPATH="+dir))
	conn, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /predict HTTP/1.1\r\nContent-Length: 15\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}
