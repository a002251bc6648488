//go:build e2e

// Package e2e runs the built binary against the real engines. Everything is counted at the servers: by the API server's audit
// log, at the git server, at a proxy before Polyaxon and in Polyaxon's own list of runs, never by the daemon's own word.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// requirements are what the example's training code needs.
const requirements = "../examples/mnist/train-mnist/requirements.txt"

// world is a whole installation: engines, a repository, the binary and its configuration.
type world struct {
	*testing.T
	interrupt context.Context // ends by Ctrl-C
	stack     *stack.Stack
	git       *stack.Git
	polyaxon  *stack.Polyaxon
	agent     *stack.Agent
	counter   *stack.Counter // between the daemon and Polyaxon
	binary    string
	config    string
	env       []string // of the daemon and of commands, beside this process's
	logs      string
	daemon    *exec.Cmd
}

// newWorld starts everything but the daemon. What was started ends with the test; logs stay when it fails.
func newWorld(t *testing.T, s *stack.Stack, cured bool) *world {
	t.Helper()
	w := &world{T: t, interrupt: interruptible(t), stack: s, logs: t.TempDir()}
	ctx, cancel := context.WithTimeout(w.interrupt, 10*time.Minute)
	defer cancel()
	var err error
	w.git, err = s.StartGit(ctx, t.TempDir())
	w.must(err)
	t.Cleanup(func() { w.git.Close() })
	w.polyaxon, err = stack.StartPolyaxon(ctx, stack.PolyaxonOptions{Dir: t.TempDir(), Cured: cured, Progress: os.Stderr})
	w.must(err)
	t.Cleanup(w.polyaxon.Stop)
	text, err := os.ReadFile(requirements)
	w.must(err)
	python, err := stack.TrainingPython(ctx, os.Stderr, strings.Fields(string(text))...)
	w.must(err)
	w.agent, err = w.polyaxon.StartAgent(stack.AgentOptions{Python: python, Git: w.git})
	w.must(err)
	t.Cleanup(func() {
		if err := w.agent.Stop(); err != nil {
			t.Log(err)
		}
	})
	w.counter, err = stack.Count(w.polyaxon.URL)
	w.must(err)
	t.Cleanup(func() { w.counter.Close() })
	w.binary = program(t)
	w.configure()
	t.Cleanup(w.dump)
	t.Cleanup(w.kill)
	return w
}

// Context is that of the test, ended by Ctrl-C too.
func (w *world) Context() context.Context { return w.interrupt }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) configure() {
	w.config = filepath.Join(w.TempDir(), "trefoil.yaml")
	w.must(os.WriteFile(w.config, fmt.Appendf(nil, `
repository:
  url: %s
  author: {name: Trefoil, email: trefoil@example.com}
poll: 2s
polyaxon: {url: %s}
kubernetes: {kubeconfig: %s}
workflows: {namespace: %s}
`, w.git.URL(), w.counter.URL(), w.stack.Kubeconfig(stack.UserDaemon), stack.NamespaceWorkflows), 0o600))
}

// start starts the daemon; its log is appended to one file.
func (w *world) start() {
	w.Helper()
	w.daemon = w.launch("daemon.log")
}

// another starts one more daemon with the same configuration, which ends with the test.
func (w *world) another(name string) *exec.Cmd {
	w.Helper()
	cmd := w.launch(name)
	w.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.Failed() {
			w.Logf("%s:\n%s", name, w.read(name))
		}
	})
	return cmd
}

func (w *world) launch(name string) *exec.Cmd {
	w.Helper()
	log, err := os.OpenFile(filepath.Join(w.logs, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.must(err)
	defer log.Close()
	cmd := exec.Command(w.binary, "run", "--config", w.config)
	cmd.Stderr, cmd.Env = log, w.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.must(cmd.Start())
	return cmd
}

func (w *world) environment() []string { return append(os.Environ(), w.env...) }

// kill ends the daemon as a power cut does.
func (w *world) kill() {
	if w.daemon == nil {
		return
	}
	_ = w.daemon.Process.Kill()
	_ = w.daemon.Wait()
}

// log is what the daemon has logged so far.
func (w *world) log() string { return w.read("daemon.log") }

// read is a log of a daemon so far.
func (w *world) read(name string) string {
	text, err := os.ReadFile(filepath.Join(w.logs, name))
	w.must(err)
	return string(text)
}

// dump shows where a failed test stood.
func (w *world) dump() {
	if w.Failed() && w.daemon != nil {
		w.Logf("the daemon's log:\n%s", w.log())
		w.Logf("of %d experiments begun, the end of Polyaxon's log:\n%s", w.agent.Begun(), w.polyaxon.Tail())
	}
}

// trefoil runs a command to its end and returns what it prints and its exit code.
func (w *world) trefoil(args ...string) (string, int) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), w.binary, append(args, "--config", w.config)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, w.environment()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		w.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// push changes models.cue as a person does.
func (w *world) push(message, old, text string) {
	w.Helper()
	w.replace(message, "models.cue", old, text)
}

// replace is push for any file.
func (w *world) replace(message, file, old, text string) {
	w.Helper()
	_, err := w.git.Push(w.Context(), message, func(dir string) error {
		name := filepath.Join(dir, file)
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !strings.Contains(string(content), old) {
			return fmt.Errorf("%s has no %q", file, old)
		}
		return os.WriteFile(name, []byte(strings.Replace(string(content), old, text, 1)), 0o644)
	})
	w.must(err)
}

// eventually waits for what takes as long as the engines take.
func (w *world) eventually(what string, limit time.Duration, done func() bool) {
	w.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) || w.interrupt.Err() != nil {
			w.Fatalf("not within %s: %s (interrupted: %v)", limit, what, w.interrupt.Err() != nil)
		}
	}
}

// commits are those that say a line which begins so, newest first: what is found out in one pass is one commit.
func (w *world) commits(prefix string) []stack.Commit {
	w.Helper()
	all, err := w.git.Log(w.Context())
	w.must(err)
	var some []stack.Commit
	for _, c := range all {
		if strings.Contains("\n"+c.Subject+"\n"+c.Body, "\n"+prefix) {
			some = append(some, c)
		}
	}
	return some
}

// run is what Polyaxon lists of a run.
type run struct {
	UUID    string
	Name    string
	Status  string
	Created time.Time `json:"created_at"`
	Inputs  map[string]any
	Outputs map[string]any
}

// runs asks Polyaxon itself, past the proxy.
func (w *world) runs(query string) []run {
	w.Helper()
	address := w.polyaxon.URL + "/api/v1/default/trefoil/runs?limit=1000&sort=created_at&query=" + url.QueryEscape(query)
	response, err := http.Get(address)
	w.must(err)
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound { // no project yet
		return nil
	}
	body, err := io.ReadAll(response.Body)
	w.must(err)
	var list struct{ Results []run }
	if err := json.Unmarshal(body, &list); err != nil {
		w.Fatalf("%s: %v in %.200s", address, err, body)
	}
	return list.Results
}
