//go:build e2e

package seldon_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/local/seldon"
)

// A process is a running Server.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *log
	url    string // once it is ready
}

// log is stderr, which tests read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// numpy returns an interpreter with numpy.
func numpy(t testing.TB) string {
	t.Helper()
	dir, err := stack.TrainingPython(t.Context(), t.Output(), "numpy")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "bin", "python")
}

// launch starts Server for a class in testdata/dir. argv is the interpreter and its options.
func launch(t testing.TB, argv []string, dir, class string, env ...string) *process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "server.py")
	if err := os.WriteFile(program, seldon.Server, 0o600); err != nil {
		t.Fatal(err)
	}
	return command(t, append(argv, program, class), dir, env...)
}

func command(t testing.TB, argv []string, dir string, env ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), stderr: &log{}}
	p.cmd.Dir = filepath.Join("testdata", dir)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PYTHONDONTWRITEBYTECODE=1"}, env...)
	p.cmd.Stderr = p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.stdout = stdin, bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			_ = p.cmd.Wait()
		}
	})
	return p
}

// serve launches Server and waits until it is ready.
func serve(t testing.TB, argv []string, dir, class string, env ...string) *process {
	t.Helper()
	return ready(t, class, launch(t, argv, dir, class, env...))
}

func ready(t testing.TB, class string, p *process) *process {
	t.Helper()
	line, err := p.stdout.ReadBytes('\n')
	if err != nil {
		t.Fatalf("%s is not ready: %v\n%s", class, err, p.stderr)
	}
	var said struct{ Port json.Number }
	if err := json.Unmarshal(line, &said); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	p.url = "http://127.0.0.1:" + said.Port.String()
	return p
}

// addr is where it listens.
func (p *process) addr() string { return strings.TrimPrefix(p.url, "http://") }

// ended waits for the process's end and returns its exit code, -1 after a signal, and what it wrote to stdout since it was ready.
func (p *process) ended(t testing.TB) (code int, stdout string) {
	t.Helper()
	rest, err := io.ReadAll(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // its exit code says the same
	return p.cmd.ProcessState.ExitCode(), string(rest)
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func post(path, contentType, body string) exchange {
	return exchange{Method: http.MethodPost, Path: path, Headers: map[string]string{"Content-Type": contentType}, Body: &body}
}

func predict(body string) exchange { return post(predictions, "application/json", body) }
