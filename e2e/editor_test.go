//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestEditor speaks with CUE's language server, as an editor does in a repository that `trefoil init` began: it explains fields in the
// words of trefoil.cue, knows which ones there are, and says what is no CUE. docs/editors.md promises no more.
func TestEditor(t *testing.T) {
	l := newLaptop(t, "")
	l.dir = filepath.Join(t.TempDir(), "models")
	l.command("..", l.binary, "init", "--ci=none", l.dir)
	e := openEditor(l)
	for field, says := range map[string]string{
		"train: {":       "How candidates are trained.",
		"concurrency: 2": "How many experiments run at once.",
		"grid: {}":       "All points of `matrix`",
		"metric: \"loss": "What is compared",
		"#gate: {":       "Bounds that a winner has to meet",
		"s2i: image":     "Source-to-image: .s2i/environment",
	} {
		if got := e.ask("textDocument/hover", e.at(field)); !strings.Contains(got, says) || !strings.Contains(got, "trefoil.cue line ") {
			t.Errorf("over %q it says %s", field, got)
		}
	}
	if got := e.ask("textDocument/definition", e.at("goal:")); !strings.Contains(got, "/trefoil.cue") {
		t.Errorf("goal is defined in %s", got)
	}
	got := e.ask("textDocument/completion", e.at("goal:"))
	for _, field := range []string{"metric", "then", "minimum", "experiment"} {
		if !strings.Contains(got, `"label":"`+field+`"`) {
			t.Errorf("beside goal it offers %s, and not %s", got, field)
		}
	}
	e.change(e.text + "}\n")
	if got := e.diagnostics(); !strings.Contains(got, `"severity":1`) {
		t.Errorf("about a } too many it says %s", got)
	}
}

// editor is one that has models.cue of a repository open.
type editor struct {
	*testing.T
	in      io.Writer
	out     *textproto.Reader
	uri     string
	text    string
	version int
	asked   int
	said    []string // diagnostics that came meanwhile
}

// openEditor starts the language server of the CUE that Trefoil is built with.
func openEditor(l *laptop) *editor {
	l.Helper()
	bin := l.TempDir()
	version := strings.TrimSpace(l.command("..", "go", "list", "-m", "-f", "{{.Version}}", "cuelang.org/go"))
	l.env = append(l.env, "GOBIN="+bin)
	l.command(bin, "go", "install", "cuelang.org/go/cmd/cue@"+version)
	l.command(l.dir, filepath.Join(bin, "cue"), "vet", "./...")
	ctx, cancel := context.WithTimeout(l.ctx, 2*time.Minute) // a server that says nothing is no editor's
	l.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "cue"), "lsp")
	cmd.Dir = l.dir
	in, err := cmd.StdinPipe()
	if err != nil {
		l.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	text, err := os.ReadFile(filepath.Join(l.dir, "models.cue"))
	if err != nil {
		l.Fatal(err)
	}
	root := (&url.URL{Scheme: "file", Path: l.dir}).String()
	e := &editor{T: l.T, in: in, out: textproto.NewReader(bufio.NewReader(out)), uri: root + "/models.cue", text: string(text)}
	e.ask("initialize", map[string]any{
		"rootUri": root, "workspaceFolders": []any{map[string]any{"uri": root, "name": "models"}},
		"capabilities": map[string]any{"textDocument": map[string]any{"hover": map[string]any{"contentFormat": []string{"markdown"}}}},
	})
	e.send(map[string]any{"method": "initialized", "params": map[string]any{}})
	e.send(map[string]any{"method": "textDocument/didOpen", "params": map[string]any{
		"textDocument": map[string]any{"uri": e.uri, "languageId": "cue", "version": 0, "text": e.text},
	}})
	return e
}

// at is the place of a part of the text.
func (e *editor) at(part string) map[string]any {
	e.Helper()
	before, _, found := strings.Cut(e.text, "\t"+part)
	if !found {
		if before, _, found = strings.Cut(e.text, " "+part); !found {
			e.Fatalf("models.cue has no %q", part)
		}
	}
	before += " "
	line := strings.Count(before, "\n")
	return map[string]any{
		"textDocument": map[string]any{"uri": e.uri},
		"position":     map[string]any{"line": line, "character": len(before) - strings.LastIndex(before, "\n") - 1},
	}
}

// change puts another text into the place of all of models.cue.
func (e *editor) change(text string) {
	e.text, e.version = text, e.version+1
	e.send(map[string]any{"method": "textDocument/didChange", "params": map[string]any{
		"textDocument":   map[string]any{"uri": e.uri, "version": e.version},
		"contentChanges": []any{map[string]any{"text": text}},
	}})
}

// ask returns the answer to a request as JSON without spaces.
func (e *editor) ask(method string, params map[string]any) string {
	e.Helper()
	e.asked++
	e.send(map[string]any{"id": e.asked, "method": method, "params": params})
	for {
		if m := e.receive(); string(m["id"]) == strconv.Itoa(e.asked) && m["method"] == nil {
			return string(m["result"]) + string(m["error"])
		}
	}
}

// diagnostics waits for some.
func (e *editor) diagnostics() string {
	e.Helper()
	for len(e.said) == 0 {
		e.receive()
	}
	return strings.Join(e.said, "\n")
}

// receive returns the next message. It answers what the server asks, and keeps what it says of the text.
func (e *editor) receive() map[string]json.RawMessage {
	e.Helper()
	head, err := e.out.ReadMIMEHeader()
	if err != nil {
		e.Fatalf("the server is gone: %v", err)
	}
	size, err := strconv.Atoi(head.Get("Content-Length"))
	if err != nil {
		e.Fatal(err)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(e.out.R, body); err != nil {
		e.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil {
		e.Fatal(err)
	}
	switch method := string(m["method"]); {
	case method == `"textDocument/publishDiagnostics"` && !strings.Contains(string(m["params"]), `"diagnostics":[]`):
		e.said = append(e.said, string(m["params"]))
	case method == `"workspace/configuration"`:
		e.send(map[string]any{"id": m["id"], "result": []any{nil}})
	case method != "" && m["id"] != nil:
		e.send(map[string]any{"id": m["id"], "result": nil})
	}
	return m
}

func (e *editor) send(m map[string]any) {
	e.Helper()
	m["jsonrpc"] = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		e.Fatal(err)
	}
	if _, err := fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		e.Fatal(err)
	}
}
