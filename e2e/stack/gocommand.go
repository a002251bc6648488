//go:build e2e

package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// goCommand runs the go command in dir and returns its standard output. When
// ctx ends, the compilers that it started end with it.
func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	runtime.LockOSThread() // for the parent-death signal, as in process.run
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// copyFiles copies the files that match pattern, at least one, into dir.
func copyFiles(pattern, dir string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("no file matches %s", pattern)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// lock takes the lock of a file, waiting for the process that holds it.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	return lockTelling(ctx, path, func() {})
}

// lockTelling is lock that calls busy once if it has to wait.
func lockTelling(ctx context.Context, path string, busy func()) (unlock func(), err error) {
	return lockOne(ctx, []string{path}, busy)
}

// lockOne is lockTelling of whichever file nobody else holds.
func lockOne(ctx context.Context, paths []string, busy func()) (unlock func(), err error) {
	for {
		for _, path := range paths {
			unlock, err := tryLock(path)
			if err != nil || unlock != nil {
				return unlock, err
			}
		}
		busy()
		busy = func() {}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// tryLock takes the lock of a file; nil where somebody holds it.
func tryLock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return func() { file.Close() }, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return nil, nil
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
