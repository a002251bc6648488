package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// landing brings one commit onto the branch and into the work tree.
//
// Git's own lock of the index is held from the look at the person's work to the end, so that no other git writes the index or checks
// anything out meanwhile. The index moves before the branch: `git commit` reads first the branch and then the index, so whoever
// starts from our commit has our files too, and cannot revert them unknowingly; whoever started earlier fails to move the branch.
// The files come last. A journal with the commit's hash is there as long as anything may be left to do or to undo.
type landing struct {
	*Checkout
	guard   *os.File // held by this process, and by the git that moves the branch
	branch  plumbing.ReferenceName
	base    plan.Revision
	commit  plan.Revision
	subject string
	pack    *bytes.Buffer
	changes []change // from base to commit
}

// toBranch are the steps that end with the commit on the branch.
func (l *landing) toBranch() []func(context.Context) error {
	return []func(context.Context) error{l.store, l.note, l.lockIndex, l.inspect, l.stage, l.move}
}

// toWorkTree are the steps after those.
func (l *landing) toWorkTree() []func(context.Context) error {
	return []func(context.Context) error{l.write, l.refresh, l.unlockIndex, l.forget}
}

func inTurn(ctx context.Context, steps []func(context.Context) error) error {
	for _, do := range steps {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// land takes all steps. Where it fails the journal tells what there is to undo.
func (l *landing) land(ctx context.Context) error {
	failed := inTurn(ctx, l.toBranch())
	ctx, cancel := within(context.WithoutCancel(ctx), l.limits.list) // half done is no place to stop at
	defer cancel()
	if failed != nil {
		return errors.Join(failed, l.heal(ctx))
	}
	if inTurn(ctx, l.toWorkTree()) != nil {
		_ = l.unlockIndex(ctx) // Tip meets what is wrong again, and says it
	}
	return nil
}

// store puts the objects of the commit into the repository, where nothing refers to them yet.
func (l *landing) store(ctx context.Context) error {
	unpack := l.git(ctx, "unpack-objects", "-q")
	unpack.Stdin = l.pack
	if _, err := run(unpack); err != nil {
		return err
	}
	var err error
	l.changes, err = l.changed(ctx, l.base, l.commit)
	return err
}

// note writes the journal.
func (l *landing) note(context.Context) error {
	if err := os.WriteFile(l.file("journal.new"), []byte(l.commit), 0o666); err != nil {
		return err
	}
	return os.Rename(l.file("journal.new"), l.file("journal"))
}

// lockIndex takes git's lock of the index, as a link to the journal: so it can be told from a lock of anybody else's. Others hold it
// for moments, which are waited for.
func (l *landing) lockIndex(ctx context.Context) error {
	for range 40 {
		err := os.Link(l.file("journal"), l.indexLock())
		if err == nil || l.holdsIndex() {
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
	return fmt.Errorf("git is at work in %s, or was killed there: once no git command runs any more, remove %s", l.top, l.indexLock())
}

func (l *landing) holdsIndex() bool {
	journal, err := os.Stat(l.file("journal"))
	if err != nil {
		return false
	}
	lock, err := os.Stat(l.indexLock())
	return err == nil && os.SameFile(journal, lock)
}

// inspect refuses to go on where the branch is elsewhere or the person's work is in the way.
func (l *landing) inspect(ctx context.Context) error {
	branch, tip, err := l.head(ctx)
	switch {
	case err != nil:
		return err
	case branch != l.branch:
		return fmt.Errorf("branch %q is checked out now, not %q: %w", branch.Short(), l.branch.Short(), reconcile.ErrStale)
	case tip != l.base:
		return l.repo(branch).stale(l.base, tip)
	}
	if doing := l.underWay(); doing != "" {
		return fmt.Errorf("%s: a %s is under way: finish it, or give it up (`git status` says how)", l.top, doing)
	}
	staged, err := l.inIndex(ctx, l.changes)
	if err != nil {
		return err
	}
	for _, c := range l.changes {
		err := l.restore(c.path, "is staged and not committed: commit it, or take it back", "restore --staged")
		if at := staged[c.path]; at == c.old || at == c.new {
			_, err = l.pending(ctx, c)
		}
		if _, found := errors.AsType[*obstacle](err); found {
			path := strings.TrimPrefix(strings.TrimPrefix(c.path, l.options.Path), "/")
			return &reconcile.BlockedError{Path: path, Err: err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stage puts our entries into the index, where it has those of the base. The old index stays beside it until all is done.
func (l *landing) stage(ctx context.Context) error {
	_ = os.Remove(l.file("index.old"))
	err := os.Link(l.index(), l.file("index.old"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: nothing is checked out, git has no index: `git reset` makes one", l.top)
	}
	if err != nil {
		return err
	}
	staged, err := l.inIndex(ctx, l.changes)
	if err != nil {
		return err
	}
	args := []string{"--add"} // without --replace: git refuses a file where something else is staged
	for _, c := range l.changes {
		if staged[c.path] == c.old {
			args = append(args, "--cacheinfo", fmt.Sprintf("%o,%s,%s", uint32(c.new.Mode), c.new.Hash, c.path))
		}
	}
	return l.updateIndex(ctx, args...)
}

// move moves the branch if it is at the base. After an error only the repository knows whether it did.
func (l *landing) move(ctx context.Context) error {
	update := l.git(ctx, "update-ref", "-m", "trefoil: "+l.subject, l.branch.String(), string(l.commit), string(l.base))
	update.Env = append(update.Env, "GIT_COMMITTER_NAME="+l.options.AuthorName, "GIT_COMMITTER_EMAIL="+l.options.AuthorEmail)
	update.ExtraFiles = []*os.File{l.guard} // should this process be killed, nobody heals before the branch has moved or not
	_, failed := run(update)
	if failed == nil {
		return nil
	}
	tip, err := run(l.git(context.WithoutCancel(ctx), "rev-parse", "--verify", l.branch.String()))
	switch {
	case err != nil:
		return fmt.Errorf("%w (and whether the branch moved is not known: %w)", failed, err)
	case tip == string(l.commit):
		return nil
	case tip != string(l.base):
		return l.repo(l.branch).stale(l.base, plan.Revision(tip))
	}
	return failed
}

// write puts our files into the work tree, where it has those of the base.
func (l *landing) write(ctx context.Context) error {
	for _, c := range l.changes {
		// As git would check it out: line endings and other filters are applied.
		data, err := output(l.git(ctx, "cat-file", "--filters", string(l.commit)+":"+c.path))
		if err != nil {
			return err
		}
		pending, err := l.pending(ctx, c)
		if _, changed := errors.AsType[*obstacle](err); changed {
			continue // the person changed it since, and keeps that
		}
		if err == nil && pending {
			err = put(l.path(c.path), data, c.new.Mode)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refresh has git look at the new files, so that no git that only reads finds the index out of date.
func (l *landing) refresh(ctx context.Context) error {
	return l.updateIndex(ctx, "-q", "--unmerged", "--ignore-missing", "--refresh")
}

// unlockIndex gives git's lock of the index back, if it is ours.
func (l *landing) unlockIndex(context.Context) error {
	if !l.holdsIndex() {
		return nil
	}
	return os.Remove(l.indexLock())
}

// forget removes the journal, when nothing is left to do.
func (l *landing) forget(context.Context) error {
	_ = os.Remove(l.file("index.old"))
	return os.Remove(l.file("journal"))
}
