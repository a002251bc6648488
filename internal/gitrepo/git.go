package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// command is a git command in a folder. It runs no hook of the repository: a daemon that starts people's programs by itself would
// surprise them. It takes paths for paths, not patterns, and sees commits as they are, not what `git replace` shows.
func command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	args = append([]string{"-c", "core.hooksPath=" + os.DevNull, "--literal-pathspecs", "--no-replace-objects"}, args...)
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = dir
	command.Env = environment()
	// Git takes its lock files away when it is asked to end; killed, it would leave them in the way of every other git.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 5 * time.Second
	return command
}

// git is a git command in the work tree. Git is told where its folder is: it would go up and look for one where that is missing.
func (c *Checkout) git(ctx context.Context, args ...string) *exec.Cmd {
	command := command(ctx, c.top, args...)
	command.Env = append(command.Env, "GIT_DIR="+c.own, "GIT_WORK_TREE="+c.top)
	return command
}

// environment is that of this process without what would lead git to another repository, index or setting: Trefoil may itself run
// in a hook.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
}

// output returns what a command prints.
func output(command *exec.Cmd) ([]byte, error) {
	said := new(remark)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, said
	err := command.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("a repository of this machine needs git on this machine: %w", err)
	case err != nil:
		return nil, fmt.Errorf("git %s: %s (%w)", command.Args[5], printable(said.text()), err)
	}
	return out.Bytes(), nil
}

// run is output without the last line break.
func run(command *exec.Cmd) (string, error) {
	out, err := output(command)
	return strings.TrimSuffix(string(out), "\n"), err
}

// answeredNo tells whether git ran and answered no, as opposed to having failed to find out.
func answeredNo(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == 1
}
