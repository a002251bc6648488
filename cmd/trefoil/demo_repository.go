package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/trefoil-gitops/trefoil/examples"
	"github.com/trefoil-gitops/trefoil/internal/local/python"
)

// prepare makes the repository, unless it is there, after a look at what the demo needs.
func (d *demo) prepare(ctx context.Context) error {
	override, _ := d.env(python.Variable)
	if _, err := python.Find(ctx, override); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.dir)
	switch {
	case err == nil && len(entries) > 0:
		if err := d.again(); err != nil {
			return err
		}
		if _, err := git(ctx, d.dir, "rev-parse", "--verify", "--quiet", "HEAD"); err == nil {
			return nil
		}
		return d.commit(ctx) // it was stopped just before that
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	if _, err := git(ctx, d.dir, "init", "--quiet", "--initial-branch=main"); err != nil {
		return err
	}
	mnist, err := fs.Sub(examples.FS, "mnist")
	if err == nil {
		err = os.CopyFS(d.dir, mnist)
	}
	if err != nil {
		return err
	}
	return d.commit(ctx)
}

// commit is the first one.
func (d *demo) commit(ctx context.Context) error {
	if _, err := git(ctx, d.dir, "add", "--all"); err != nil {
		return err
	}
	_, err := git(ctx, d.dir, append(d.person(ctx), "commit", "--quiet", "--message=a model that reads handwritten digits")...)
	return err
}

// again refuses a folder that holds something else.
func (d *demo) again() error {
	for _, name := range []string{".git", "models.cue", digitFile} {
		if _, err := os.Stat(filepath.Join(d.dir, name)); err != nil {
			return fmt.Errorf("%s is there and holds something else than a demo (it has no %s): name another folder with --dir", d.dir, name)
		}
	}
	return nil
}

// person is who makes the first commit: whoever git knows here, else somebody.
func (d *demo) person(ctx context.Context) []string {
	if name, err := git(ctx, d.dir, "var", "GIT_AUTHOR_IDENT"); err == nil && name != "" {
		return nil
	}
	return []string{"-c", "user.name=You", "-c", "user.email=you@localhost"}
}

// git runs git in a folder and returns what it prints.
func git(ctx context.Context, dir string, words ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, words...)...)
	cmd.Env = append(os.Environ(), "GIT_LITERAL_PATHSPECS=1") // names of files are no patterns
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("git is not on this machine, and git is where everything is kept: install it")
	}
	if words := strings.TrimSpace(said.String()); err != nil && words != "" {
		err = fmt.Errorf("%w: %s", err, words)
	}
	if err != nil {
		return "", fmt.Errorf("git %s: %w", words[0], err)
	}
	return string(out), nil
}
