package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// file is one of ours in git's folder, where neither git nor people look at it.
func (c *Checkout) file(name string) string { return filepath.Join(c.own, "trefoil", name) }

func (c *Checkout) index() string { return filepath.Join(c.own, "index") }

func (c *Checkout) indexLock() string { return c.index() + ".lock" }

// guard lets one process at a time write, until the returned file is closed or all processes that have it are gone.
func (c *Checkout) guard() (*os.File, error) {
	if err := os.MkdirAll(c.file(""), 0o777); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(c.file("guard"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another Trefoil commits to %s: %w", c.top, reconcile.ErrStale)
		}
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return file, nil
}

// resume heals what a killed process left behind, unless one that lives is still at it.
func (c *Checkout) resume(ctx context.Context) error {
	if _, err := os.Lstat(c.file("journal")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	guard, err := c.guard()
	if errors.Is(err, reconcile.ErrStale) {
		return nil
	}
	if err != nil {
		return err
	}
	defer guard.Close()
	return c.heal(ctx)
}

// heal brings a landing that was broken off to its end, if its commit is on the branch that is checked out; else it undoes it. The
// guard is held.
func (c *Checkout) heal(ctx context.Context) error {
	commit, err := os.ReadFile(c.file("journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !plumbing.IsHash(string(commit)) {
		return errors.Join(fmt.Errorf("%s holds no commit: remove it", c.file("journal")), err)
	}
	l := &landing{Checkout: c, commit: plan.Revision(commit)}
	landed, err := l.landed(ctx)
	switch {
	case err == nil && landed:
		err = l.finish(ctx)
	case err == nil:
		err = l.undo(ctx)
	}
	if err != nil {
		return fmt.Errorf("commit %s and the work tree: %w", l.commit.Short(), err)
	}
	return nil
}

// landed tells whether the commit is in what is checked out. Git may have thrown a commit away that is on no branch.
func (l *landing) landed(ctx context.Context) (bool, error) {
	for _, question := range [][]string{
		{"rev-parse", "--verify", "--quiet", string(l.commit) + "^{commit}"},
		{"rev-parse", "--verify", "--quiet", "HEAD^{commit}"},
		{"merge-base", "--is-ancestor", string(l.commit), "HEAD"},
	} {
		_, err := run(l.git(ctx, question...))
		if answeredNo(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// undo gives the index back as it was: while the lock is ours nobody else has written it.
func (l *landing) undo(ctx context.Context) error {
	if l.holdsIndex() {
		if err := os.Rename(l.file("index.old"), l.index()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return inTurn(ctx, []func(context.Context) error{l.unlockIndex, l.forget})
}

// finish does what is left to do in the work tree and the index for each file that still is as the commit has it: since then people
// may have committed other content of it.
func (l *landing) finish(ctx context.Context) error {
	all, err := l.changed(ctx, l.commit+"^", l.commit)
	if err != nil {
		return err
	}
	since, err := l.changed(ctx, l.commit, "HEAD")
	if err != nil {
		return err
	}
	for _, c := range all {
		_ = os.Remove(unfinished(l.path(c.path)))
		if !slices.ContainsFunc(since, func(later change) bool { return later.path == c.path }) {
			l.changes = append(l.changes, c)
		}
	}
	steps := append([]func(context.Context) error{l.lockIndex, l.stage}, l.toWorkTree()...)
	if err := inTurn(ctx, steps); err != nil {
		return errors.Join(err, l.unlockIndex(ctx)) // people can go on
	}
	return nil
}
