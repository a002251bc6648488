package python

import (
	"bytes"
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
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	requirementsFile = "requirements.txt"
	// configFile, beside it, is pip's own configuration, by which a project says how to install: no-deps, an index.
	configFile = "pip.conf"
	// readyFile is written last: without it an environment counts as missing.
	readyFile = "ready"
	// lastLines of what pip says, and lastBytes of it, are kept for people.
	lastLines, lastBytes = 2, 2 << 10
)

// Request is what an environment is made for.
type Request struct {
	// Cache is the folder that keeps environments, and what pip keeps. It is made where it is missing.
	Cache string
	// Source is the folder with requirements.txt, and pip.conf, if there are any.
	Source string
	// Env is the environment of the processes that make it.
	Env []string
	// Told is called with a line for each thing that pip does.
	Told func(line string)
}

// Ensure returns the folder of programs, among them `python`, of an environment that has what the source asks for. It is made unless
// there is one for the same requirements; several processes may ask for it at once, and one makes it. The error has pip's last words.
func (i Interpreter) Ensure(ctx context.Context, r Request) (programs string, err error) {
	key, packages, err := i.key(r.Source)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(r.Cache, "venvs", key)
	programs = filepath.Join(dir, "bin")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, readyFile)); err == nil {
		return programs, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := i.make(ctx, r, dir, packages); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return programs, os.WriteFile(filepath.Join(dir, readyFile), nil, 0o644)
}

// key names the environment by all that goes into it. packages says whether there is anything to install.
func (i Interpreter) key(source string) (key string, packages bool, err error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n", i.Path, i.Version)
	for _, name := range []string{requirementsFile, configFile} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", false, err
		}
		packages = packages || name == requirementsFile && len(bytes.TrimSpace(text)) > 0
		fmt.Fprintf(hash, "%d\n%s", len(text), text)
		if name == requirementsFile && refersToFiles(text) {
			if err := addFiles(hash, source); err != nil {
				return "", false, err
			}
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:12]), packages, nil
}

// refersToFiles reports whether requirements name others: of requirements, of constraints, of code.
func refersToFiles(text []byte) bool {
	return regexp.MustCompile(`(?m)^\s*(?:-r|-c|-e|--requirement|--constraint|--editable|\.|/|[^#\n]*\bfile:)`).Match(text)
}

// addFiles adds all files of the source to what an environment is known by.
func addFiles(to io.Writer, source string) error {
	return filepath.WalkDir(source, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(name)
		below, _ := filepath.Rel(source, name) // it is below
		fmt.Fprintf(to, "%s\n%d\n%s", below, len(text), text)
		return err
	})
}

// make makes the environment in its place, for its programs know their path.
func (i Interpreter) make(ctx context.Context, r Request, dir string, packages bool) error {
	log, err := os.Create(dir + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	venv := []string{"-m", "venv", dir}
	if !packages {
		venv = append(venv, "--without-pip")
	}
	if packages {
		r.Told("making a Python environment for " + requirementsFile)
	}
	if err := r.run(ctx, log, r.Env, i.Path, venv...); err != nil {
		return fmt.Errorf("%s -m venv (all it said is in %s): %w", i.Path, log.Name(), err)
	}
	if !packages {
		return nil
	}
	env := append(r.Env[:len(r.Env):len(r.Env)], "PIP_CACHE_DIR="+filepath.Join(r.Cache, "pip"))
	if err := configure(r.Source, dir); err != nil {
		return err
	}
	err = r.run(ctx, log, env, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
		"--progress-bar=off", "--retries=2", "-r", filepath.Join(r.Source, requirementsFile))
	if err != nil {
		return fmt.Errorf("pip could not install %s, is the network there? All it said is in %s: %w", requirementsFile, log.Name(), err)
	}
	return nil
}

// configure makes the source's pip.conf that of the environment. Named by PIP_CONFIG_FILE it would take the place of the person's own,
// which may name a mirror.
func configure(source, dir string) error {
	text, err := os.ReadFile(filepath.Join(source, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, configFile), text, 0o644)
}

// run runs a program to its end, with what it starts. The error has its last words.
func (r Request) run(ctx context.Context, log io.Writer, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	said := &progress{told: r.Told}
	out := io.MultiWriter(log, said)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.Source, env, out, out // one writer, so that one of them writes at a time
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%w: %s", err, last(said.end))
	}
	return nil
}

// progress tells the lines in which pip says what it does, and keeps the end of all.
type progress struct {
	told func(string)
	line []byte
	end  []byte
}

func (p *progress) Write(text []byte) (int, error) {
	p.end = append(p.end, text...)
	p.end = p.end[max(0, len(p.end)-lastBytes):]
	p.line = append(p.line, text...)
	for {
		line, rest, whole := bytes.Cut(p.line, []byte("\n"))
		if !whole {
			p.line = p.line[max(0, len(p.line)-lastBytes):]
			return len(text), nil
		}
		p.line = rest
		for _, begins := range []string{"Collecting ", "Installing ", "Building "} {
			if s := strings.TrimSpace(string(line)); strings.HasPrefix(s, begins) {
				does, _, _ := strings.Cut(s, " (from ") // where it is asked for is known
				p.told(masked(does))
			}
		}
	}
}

// credentials are what stands before the host of a URL.
var credentials = regexp.MustCompile(`://[^/\s@]+@`)

func masked(line string) string { return credentials.ReplaceAllString(line, "://***@") }

// last are the last lines of a text, as one.
func last(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return masked(strings.Join(lines[max(0, len(lines)-lastLines):], " | "))
}

// lock waits for the lock of a file, which goes with the process that holds it.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil // the lock goes with it
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
