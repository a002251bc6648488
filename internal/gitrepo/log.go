package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Log is the way back from a commit along first parents, newest first: what was merged counts as the commit that merged it.
type Log struct {
	Commits []Commit
	// Older says that the last one has a parent, which was not asked for, or is not there in a shallow clone.
	Older bool
}

// Commit is one step of a Log. Its author and date are anybody's words.
type Commit struct {
	Revision plan.Revision
	Author   string
	Date     time.Time // when it was committed
	// Tree is the folder of the specs. Where the commit has no such folder nothing in it can be opened, not even ".".
	Tree schema.Tree
}

// ReadLog goes back from the commit that is checked out in the folder dir, most commits at most.
func ReadLog(dir string, most int) (Log, error) {
	c, err := openClone(dir)
	if err != nil {
		return Log{}, fmt.Errorf("log of %s: %w", dir, err)
	}
	head, err := c.resolve(plumbing.HEAD.String())
	if err != nil {
		return Log{}, fmt.Errorf("log of %s: %w", dir, err)
	}
	log, err := walk(c.objects, head.Hash, c.folder, most, c.largest)
	if err != nil {
		return Log{}, fmt.Errorf("log of %s: %w", dir, err)
	}
	return log, nil
}

// placed returns the folder that holds .git, and where dir is in it.
func placed(dir string) (top, folder string, err error) {
	dir, err = filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err == nil {
		top, err = findTop(dir)
	}
	if err != nil {
		return "", "", err
	}
	switch {
	case inBare(dir, top):
		return "", "", errBare
	case top == "":
		return "", "", errors.New("it is in no git repository (`git init` makes one, `git clone` fetches one)")
	}
	folder, err = filepath.Rel(top, dir)
	return top, filepath.ToSlash(folder), err
}

// inBare tells whether a folder, or one above it and below the top, is git's own.
func inBare(dir, top string) bool {
	for at := dir; at != top; at = filepath.Dir(at) {
		_, err1 := os.Stat(filepath.Join(at, "HEAD"))
		_, err2 := os.Stat(filepath.Join(at, "objects"))
		_, err3 := os.Stat(filepath.Join(at, "refs"))
		if err1 == nil && err2 == nil && err3 == nil {
			return true
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return false
}

// Log goes back from the tip of the branch, most commits at most, if that is trusted. All of them are held in memory, within the limits of one pack.
func (r *Repo) Log(ctx context.Context, most int) (Log, error) {
	ctx, cancel := within(ctx, r.limits.move)
	defer cancel()
	session, refs, err := r.upload(ctx, "fetch from")
	if err != nil {
		return Log{}, err
	}
	defer session.Close()
	tip, err := r.tip(refs)
	if err != nil {
		return Log{}, err
	}
	want := plumbing.NewHash(string(tip))
	request, err := ask(refs, want, most)
	if err != nil {
		return Log{}, r.fail(ctx, "fetch from", err)
	}
	store, err := r.receive(ctx, session, request, memory.NewStorage())
	if err != nil {
		return Log{}, r.fail(ctx, "fetch from", err)
	}
	commit, err := object.GetCommit(store, want)
	if err != nil {
		return Log{}, r.fail(ctx, "fetch from", err)
	}
	if err := r.trusted(store, commit); err != nil {
		return Log{}, err
	}
	log, err := walk(store, want, r.path, most, r.limits.file)
	if err != nil {
		return Log{}, r.fail(ctx, "fetch from", err)
	}
	return log, nil
}

// walk ends where a parent is missing: that is how a history that was cut off looks.
func walk(store storer.EncodedObjectStorer, from plumbing.Hash, folder string, most int, largest int64) (Log, error) {
	var log Log
	for next := []plumbing.Hash{from}; len(next) > 0; {
		if len(log.Commits) == most {
			log.Older = true
			break
		}
		commit, err := object.GetCommit(store, next[0])
		if errors.Is(err, plumbing.ErrObjectNotFound) && len(log.Commits) > 0 {
			log.Older = true
			break
		}
		if err != nil {
			return Log{}, fmt.Errorf("commit %.7s: %w", next[0], err)
		}
		log.Commits = append(log.Commits, step(store, commit, folder, largest))
		next = commit.ParentHashes
	}
	return log, nil
}

func step(store storer.EncodedObjectStorer, commit *object.Commit, folder string, largest int64) Commit {
	tree, err := newCommitTree(store, commit, largest).sub(folder)
	if err != nil {
		tree = absent{err}
	}
	return Commit{Revision: plan.Revision(commit.Hash.String()), Author: commit.Author.Name, Date: commit.Committer.When, Tree: tree}
}

// absent is the tree of a folder that is not there, or can't be read.
type absent struct{ why error }

func (a absent) Open(string) (fs.File, error) { return nil, a.why }

func (a absent) Hash(string) (string, error) { return "", a.why }
