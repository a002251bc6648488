//go:build e2e

package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// hauptVersion is that of the Polyaxon server.
const hauptVersion = "2.18.0"

// haupt returns a virtual environment with the Polyaxon server, and installs
// it first where there is none: two minutes, 700 MB.
func haupt(ctx context.Context, progress io.Writer) (string, error) {
	return venv(ctx, progress, "haupt-"+hauptVersion, "haupt[sandbox]=="+hauptVersion)
}

// TrainingPython returns a virtual environment that the experiments run in: it
// has what pip installs for these requirements, without what those depend on.
func TrainingPython(ctx context.Context, progress io.Writer, requirements ...string) (string, error) {
	sum := sha256.Sum256([]byte(strings.Join(requirements, "\n")))
	return venv(ctx, progress, "train-"+hex.EncodeToString(sum[:6]), append([]string{"--no-deps"}, requirements...)...)
}

// venv returns a virtual environment in the user's cache directory, made by pip
// install with these arguments. Programs in it know its path, so it is made in
// its place; until a last file says that it is whole, it counts as missing.
func venv(ctx context.Context, progress io.Writer, name string, args ...string) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache of %s: %w", name, err)
	}
	dir = filepath.Join(cache, "trefoil-e2e", name)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	whole := filepath.Join(dir, "whole")
	if _, err := os.Stat(whole); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	done := builder{progress: progress}.announce(name)
	defer func() { done(err) }()
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := command(ctx, "python3", "-m", "venv", dir); err != nil {
		return "", err
	}
	pip := []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"}
	if err := command(ctx, filepath.Join(dir, "bin", "python"), append(pip, args...)...); err != nil {
		return "", err
	}
	return dir, os.WriteFile(whole, nil, 0o644)
}

// command runs a program to its end. When ctx ends, what it started ends too.
func command(ctx context.Context, name string, args ...string) error {
	return complete(ctx, exec.CommandContext(ctx, name, args...), 0)
}

// complete runs a command of ctx to its end, in new namespaces where flags name
// some. What it has printed is part of its error.
func complete(ctx context.Context, cmd *exec.Cmd, unshare uintptr) error {
	runtime.LockOSThread() // for the parent-death signal, as in process.run
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Unshareflags: unshare}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, lastLines(out))
	}
	return nil
}
