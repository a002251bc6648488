// Package python finds an interpreter and gives code the packages that it asks for, in virtual environments that are kept: the same
// requirements are installed once. Nothing outside of the cache folder is touched.
package python

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Variable is the environment variable that names the interpreter.
const Variable = "TREFOIL_PYTHON"

// oldest is the first minor version of Python 3 that does.
const oldest = 8

// asking is how long an interpreter may take to say its version.
const asking = 30 * time.Second

// Interpreter is a Python 3 that can make virtual environments.
type Interpreter struct {
	Path    string
	Version string // 3.12.1
}

// Find returns the interpreter of that name or path, or the machine's own for "". The errors say what to do about it.
func Find(ctx context.Context, name string) (Interpreter, error) {
	if name != "" {
		return look(ctx, name)
	}
	first, err := look(ctx, "python3")
	if !errors.Is(err, exec.ErrNotFound) {
		return first, err
	}
	if other, err := look(ctx, "python"); !errors.Is(err, exec.ErrNotFound) {
		return other, err
	}
	return Interpreter{}, fmt.Errorf("there is no Python on this machine: install Python 3.%d or later, or name one in %s", oldest, Variable)
}

func look(ctx context.Context, name string) (Interpreter, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return Interpreter{}, fmt.Errorf("no Python at %s (%s names the interpreter): %w", name, Variable, err)
	}
	version, err := ask(ctx, path, "import sys; print('%d.%d.%d' % sys.version_info[:3])")
	if ctx.Err() != nil {
		return Interpreter{}, err
	}
	if err != nil {
		return Interpreter{}, fmt.Errorf("%s is no Python that runs: %w", path, err)
	}
	parts := strings.Split(version, ".")
	minor, err := strconv.Atoi(parts[min(1, len(parts)-1)])
	if err != nil || parts[0] != "3" || minor < oldest {
		return Interpreter{}, fmt.Errorf("%s is Python %s, and 3.%d or later is needed: name another one in %s", path, version, oldest, Variable)
	}
	if _, err := ask(ctx, path, "import venv, ensurepip"); err != nil {
		return Interpreter{}, fmt.Errorf("%s can make no virtual environments (on Debian and Ubuntu: apt install python3-venv): %w", path, err)
	}
	return Interpreter{path, version}, nil
}

// ask runs a line of Python and returns what it prints. The error has its last words.
func ask(parent context.Context, path, line string) (string, error) {
	ctx, cancel := context.WithTimeout(parent, asking)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-I", "-c", line)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if parent.Err() != nil {
		return "", context.Cause(parent)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, last(said.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}
