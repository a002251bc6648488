//go:build e2e

package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// never is a probe for a program that is not expected to become ready.
func never(context.Context) error { return errors.New("not yet") }

func TestWaitReadyReportsAnExit(t *testing.T) {
	dir := t.TempDir()
	p, err := start(t.Context(), dir, "broken", nil, "sh", "-c", "echo starting; echo no such flag >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	err = waitReady(t.Context(), p, "port open", never)
	if !errors.Is(err, errExited) {
		t.Fatalf("error %v, want errExited", err)
	}
	for _, part := range []string{"broken", "port open", "exit status 3", dir + "/broken.log", "\tno such flag"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not hold %q", err, part)
		}
	}
}

func TestWaitReadyReportsATimeout(t *testing.T) {
	p, err := start(t.Context(), t.TempDir(), "slow", nil, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	defer p.kill()
	cause := errors.New("took too long")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, cause)
	defer cancel()
	if err := waitReady(ctx, p, "port open", never); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

func TestStopEndsTheWholeGroup(t *testing.T) {
	tests := []struct {
		name, script string
		end          func(*process)
	}{
		{"asked", "sleep 60 & echo $!; wait", func(p *process) { p.stop(10 * time.Second) }},
		{"deaf", "trap '' TERM; sleep 60 & echo $!; while :; do sleep 1; done", func(p *process) { p.stop(200 * time.Millisecond) }},
		{"killed", "sleep 60 & echo $!; wait", func(p *process) { p.kill() }},
		{"ended by itself", "sleep 60 & echo $!", func(p *process) { <-p.done }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := start(t.Context(), t.TempDir(), "parent", nil, "sh", "-c", test.script)
			if err != nil {
				t.Fatal(err)
			}
			child := pidIn(t, p.log)
			test.end(p)
			if err := eventually(gone(child)); err != nil {
				t.Errorf("child %d: %v", child, err)
			}
		})
	}
}

// pidIn waits for the process id that a program prints.
func pidIn(t *testing.T, log string) int {
	t.Helper()
	var pid int
	err := eventually(func(context.Context) error {
		text, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// gone is a probe for the end of a process; one that waits to be reaped counts.
func gone(pid int) func(context.Context) error {
	return func(context.Context) error {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return nil //nolint:nilerr // it ended in between
		}
		return errors.New("is still running")
	}
}

func eventually(probe func(context.Context) error) error {
	var err error
	for range 100 {
		if err = probe(context.Background()); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// TestDeathOfTheParent kills a test run, this test binary itself, that has
// started a program.
func TestDeathOfTheParent(t *testing.T) {
	const dirEnv = "STACK_TEST_PARENT"
	if dir := os.Getenv(dirEnv); dir != "" {
		if _, err := start(t.Context(), dir, "child", nil, "sh", "-c", "echo $$; exec sleep 60"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	}
	dir := t.TempDir()
	parent, err := start(t.Context(), dir, "parent", []string{dirEnv + "=" + dir}, os.Args[0], "-test.run=^TestDeathOfTheParent$")
	if err != nil {
		t.Fatal(err)
	}
	child := pidIn(t, filepath.Join(dir, "child.log"))
	if err := syscall.Kill(parent.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := eventually(gone(child)); err != nil {
		t.Errorf("child %d: %v", child, err)
	}
}

func TestFreePorts(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[int]bool)
	for _, port := range ports {
		if seen[port] {
			t.Errorf("port %d twice in %v", port, ports)
		}
		seen[port] = true
	}
}
