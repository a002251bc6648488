package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// child is a process that evaluates.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	crash head
	late  atomic.Bool // it was ended because it took too long
	spent error       // of Wait, once it was called
	ended bool
}

// start starts a process that ends with ctx. An error says that there is none, which is no fault of what it would evaluate.
func start(ctx context.Context, command []string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, command[0], command[2:]...)}
	c.cmd.Args[0] = command[1]
	c.cmd.Dir = "/"
	c.cmd.Env = []string{"CUE_REGISTRY=none", "GOTRACEBACK=none"}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the parent
	c.cmd.Stderr = &c.crash
	c.cmd.WaitDelay = time.Second
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start a process that evaluates: %w", err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a process that evaluates: %w", err)
	}
	c.out = lines(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process that evaluates: %w", err)
	}
	return c, nil
}

// say sends a request, and ends a child that does not take it. That a child is dead is seen where it should answer.
func (c *child) say(r request, most time.Duration) {
	defer c.limit(most).Stop()
	_ = json.NewEncoder(c.in).Encode(r)
}

// limit ends the process after a while, unless it is stopped.
func (c *child) limit(most time.Duration) *time.Timer {
	return time.AfterFunc(most, func() {
		c.late.Store(true)
		_ = c.cmd.Process.Kill()
	})
}

// hear waits for a reply, so long at most. It is not ok where the child came to its end instead.
func (c *child) hear(most time.Duration) (r reply, size int, ok bool, err error) {
	timer := c.limit(most)
	ok = c.out.Scan()
	if !timer.Stop() && c.late.Load() {
		return reply{}, 0, false, nil
	}
	if !ok {
		return reply{}, 0, false, nil
	}
	r, err = decode(c.out.Bytes())
	return r, len(c.out.Bytes()), true, err
}

// end ends the process and everything that belongs to it. It may be called again.
func (c *child) end() {
	if c.ended {
		return
	}
	c.ended = true
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	c.spent = c.cmd.Wait()
}

// wait lets a process that said its last word end by itself, and says why it ended.
func (c *child) wait() {
	if !c.ended {
		c.ended = true
		if c.out.Err() != nil { // it goes on talking
			_ = c.cmd.Process.Kill()
		}
		c.spent = c.cmd.Wait()
		_ = c.in.Close()
	}
}

// why says in users' words what the process died of, after what: how long it was given.
func (c *child) why(given time.Duration) string {
	c.wait()
	crash := c.crash.String()
	failed, _ := errors.AsType[*exec.ExitError](c.spent)
	switch {
	case c.late.Load():
		return fmt.Sprintf("took longer than %v", given)
	case errors.Is(c.out.Err(), bufio.ErrTooLong):
		return fmt.Sprintf("came to more than %d MiB", maxLine>>20)
	case strings.Contains(crash, "out of memory") || strings.Contains(crash, "cannot allocate memory") ||
		strings.HasPrefix(crash, "SIGSEGV"): // of Go's collector, when it is the one to find no memory; ours would be a panic
		return "ran out of memory"
	case strings.Contains(crash, "stack overflow") || strings.Contains(crash, "stack exceeds"):
		return "went too deep"
	case failed != nil && signal(failed) == syscall.SIGKILL:
		return "was ended by the system, which may be short of memory"
	case failed != nil && signal(failed) == syscall.SIGXCPU:
		return "took too long"
	}
	return "crashed CUE"
}

// starved reports whether a process was too late because the machine was busy with others: it is not to blame then.
func (c *child) starved(given time.Duration) bool {
	const share = 8 // part of the time that the machine owes it
	if !c.late.Load() {
		return false
	}
	c.wait()
	return c.cmd.ProcessState.UserTime()+c.cmd.ProcessState.SystemTime() < given/share
}

func signal(e *exec.ExitError) syscall.Signal {
	if status, ok := e.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return 0
}

// head keeps the beginning of what a process says when it crashes: enough to know of what, and nothing that is shown.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	const enough = 4 << 10
	h.Buffer.Write(p[:min(len(p), max(0, enough-h.Len()))])
	return len(p), nil
}
