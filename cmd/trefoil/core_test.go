package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/canary"
)

// TestI6NoCore ends a daemon that holds secrets in the ways that have the kernel keep its memory, with all that could forbid it allowed: no
// core is written, and what Go says of each goroutine has no secret.
func TestI6NoCore(t *testing.T) {
	s := newSecretive(t)
	s.configure(s.withPassword())
	for name, signal := range map[string]syscall.Signal{"SIGQUIT": syscall.SIGQUIT, "SIGABRT": syscall.SIGABRT, "SIGSEGV": syscall.SIGSEGV} {
		log := new(shared)
		daemon := s.command("run")
		daemon.Args = append([]string{"sh", "-c", `ulimit -c "$(ulimit -H -c)" && exec "$0" "$@"`}, daemon.Args...)
		daemon.Path = shell(t)
		daemon.Env = append(daemon.Env, "GOTRACEBACK=crash")
		daemon.Stdout, daemon.Stderr = log, log
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		s.git.eventually("it leads", func() bool { return strings.Contains(log.String(), "planning on") })
		if err := daemon.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		ended, ok := errors.AsType[*exec.ExitError](daemon.Wait())
		if !ok {
			t.Fatalf("%s does not end it:\n%s", name, log)
		}
		status, ok := ended.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.CoreDump() {
			t.Errorf("I6: after %s it ends as %v, with a core: %v", name, ended, status.CoreDump())
		}
		if !strings.Contains(log.String(), "goroutine ") {
			t.Errorf("%s: no goroutine is told of", name)
		}
		s.note("what it says at "+name, log.String())
		s.giveBack()
	}
	cores, err := filepath.Glob(filepath.Join(s.state, "*core*"))
	if err != nil || len(cores) > 0 {
		t.Errorf("I6: there are %q, %v", cores, err)
	}
	for _, leak := range canary.Leaks(s.seen, s.canaries) {
		t.Errorf("I6: %s", leak)
	}
}

func shell(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
