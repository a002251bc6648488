package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Clone is the git repository around a folder of this machine, to compare its revisions. It is only read: what the remote has and
// the clone has not is never fetched. Its trees are safe for concurrent use.
type Clone struct {
	folder  string // of the specs, below the top
	store   *filesystem.Storage
	objects *objects
	cutOff  map[plumbing.Hash]bool // commits of a shallow clone that are without their parents
	largest int64
}

// Point is a commit of a Clone. Its message is anybody's words.
type Point struct {
	Revision plan.Revision
	Date     time.Time // when it was committed
	Message  string
	// Tree is the folder of the specs, empty where the commit has no such folder.
	Tree   schema.Tree
	commit *object.Commit
}

// OpenClone opens the repository around the folder dir, which holds the specs.
func OpenClone(dir string) (*Clone, error) {
	c, err := openClone(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return c, nil
}

func openClone(dir string) (*Clone, error) {
	top, folder, err := placed(dir)
	if err != nil {
		return nil, err
	}
	objects, err := objectsOf(top, true)
	if err != nil {
		return nil, err
	}
	store := objects.store
	settings, err := store.Config()
	if err == nil {
		err = checkFormat(settings)
	}
	if err != nil {
		return nil, fmt.Errorf("git's settings: %w", err)
	}
	cutOff, err := store.Shallow()
	if err != nil {
		return nil, err
	}
	c := &Clone{folder: folder, store: store, objects: objects, cutOff: map[plumbing.Hash]bool{}, largest: defaultLimits().file}
	for _, hash := range cutOff {
		c.cutOff[hash] = true
	}
	return c, nil
}

// Point finds a commit by what git calls it: a branch, a tag, HEAD or FETCH_HEAD, a hash or its first digits, each with ~N and ^N
// after it. A branch that only the remote origin has need not say so. Where there is none the error wraps [ErrNoRevision].
func (c *Clone) Point(name string) (Point, error) {
	commit, err := c.resolve(name)
	if err != nil {
		return Point{}, err
	}
	return c.point(commit), nil
}

func (c *Clone) point(commit *object.Commit) Point {
	s := step(c.objects, commit, c.folder, c.largest)
	if gone, ok := s.Tree.(absent); ok && errors.Is(gone.why, fs.ErrNotExist) {
		s.Tree = &subtree{tree: newCommitTree(c.objects, commit, c.largest), root: emptyTree()}
	}
	return Point{Revision: s.Revision, Date: s.Date, Message: commit.Message, Tree: s.Tree, commit: commit}
}

// Before is the commit that a commit was made on, along first parents; false for the first one and where the clone was cut off.
func (c *Clone) Before(p Point) (Point, bool) {
	commit, err := c.parent(p.commit, 1)
	if err != nil {
		return Point{}, false
	}
	return c.point(commit), true
}

// parents are the hashes of a commit's parents, without those that a shallow clone leaves out.
func (c *Clone) parents(commit *object.Commit) []plumbing.Hash {
	if c.cutOff[commit.Hash] {
		return nil
	}
	return commit.ParentHashes
}

// parent is the nth one of a commit, from 1.
func (c *Clone) parent(commit *object.Commit, n int) (*object.Commit, error) {
	parents := c.parents(commit)
	if n > len(parents) {
		return nil, errNoParent
	}
	return object.GetCommit(c.objects, parents[n-1])
}
