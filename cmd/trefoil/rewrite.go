package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// rewrite is what one file of a person's work tree becomes in a commit of its own. What that person types meanwhile is never lost.
type rewrite struct {
	dir         string // of the specs
	file        string // slash-separated, below dir
	before, now []byte
}

func (r rewrite) path() string { return filepath.Join(r.dir, filepath.FromSlash(r.file)) }

// clean complains where a commit of the file would take more along, or would be on no branch.
func (r rewrite) clean(ctx context.Context) error {
	state, err := git(ctx, r.dir, "status", "--porcelain", "--", r.file)
	if err != nil {
		return err
	}
	if state != "" {
		return fmt.Errorf("%s has changes that are not committed: commit them or take them back first", r.file)
	}
	if _, err := git(ctx, r.dir, "symbolic-ref", "--quiet", "HEAD"); err != nil {
		return errors.New("no branch is checked out: git switch to one first")
	}
	return nil
}

// replace writes the file if it is what it was.
func (r rewrite) replace(was, by []byte) error {
	there, err := os.ReadFile(r.path())
	if err != nil {
		return err
	}
	if !bytes.Equal(there, was) {
		return fmt.Errorf("%s was changed meanwhile: git diff shows how", r.file)
	}
	return os.WriteFile(r.path(), by, 0o644) //nolint:gosec // the file is there, and keeps its mode
}

// commit has git commit the file, as a person would. Whoever presses Ctrl-C ends git too, and git knows best what that leaves.
func (r rewrite) commit(ctx context.Context, subject string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	before, _ := git(ctx, r.dir, "rev-parse", "HEAD") // there is one: the file is committed
	_, err := git(ctx, r.dir, "commit", "--quiet", "--message", subject, "--", r.file)
	if after, failed := git(ctx, r.dir, "rev-parse", "HEAD"); failed == nil && after != before {
		return nil // what failed was a hook, after the commit
	}
	return err
}

// undo takes the file back.
func (r rewrite) undo() error {
	if there, err := os.ReadFile(r.path()); err == nil && bytes.Equal(there, r.before) {
		return nil
	}
	return r.replace(r.now, r.before)
}
