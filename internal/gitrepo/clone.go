package gitrepo

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Clone is the git repository around a folder of this machine, to compare its revisions. It is only read.
type Clone struct {
	folder  string // of the specs, below the top
	store   *filesystem.Storage
	objects *objects
	git     *git.Repository
	largest int64
}

// Point is a commit of a Clone. Its message is anybody's words.
type Point struct {
	Revision plan.Revision
	Date     time.Time // when it was committed
	Message  string
	// Tree is the folder of the specs. Where the commit has no such folder nothing in it can be opened, not even ".".
	Tree   schema.Tree
	commit *object.Commit
}

// ErrNoRevision says that a name stands for no commit of the repository.
var ErrNoRevision = errors.New("no such revision")

// ErrUnrelated says that two commits have no common ancestor in the clone.
var ErrUnrelated = errors.New("no common ancestor")

// OpenClone opens the repository around the folder dir, which holds the specs.
func OpenClone(dir string) (*Clone, error) {
	top, folder, err := placed(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	store, err := storeOf(top)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	repository, err := git.Open(store, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &Clone{folder: folder, store: store, objects: newObjects(store), git: repository, largest: defaultLimits().file}, nil
}

// Point finds a commit by a branch, a tag, a hash or any other name that git has for it; a branch that is only known of the remote
// origin need not say so. Errors wrap ErrNoRevision, or tell what the clone lacks.
func (c *Clone) Point(name string) (Point, error) {
	hash, err := c.resolve(name)
	if err != nil {
		return Point{}, c.explain(name, err)
	}
	commit, err := object.GetCommit(c.objects, hash)
	if err != nil {
		return Point{}, c.explain(name, err)
	}
	return c.point(commit), nil
}

func (c *Clone) point(commit *object.Commit) Point {
	s := step(c.objects, commit, c.folder, c.largest)
	return Point{Revision: s.Revision, Date: s.Date, Message: commit.Message, Tree: s.Tree, commit: commit}
}

// resolve lets a local name go before one of the remote.
func (c *Clone) resolve(name string) (plumbing.Hash, error) {
	if strings.HasPrefix(name, "-") || strings.TrimSpace(name) == "" {
		return plumbing.ZeroHash, plumbing.ErrReferenceNotFound
	}
	hash, err := c.git.ResolveRevision(plumbing.Revision(name))
	if err != nil {
		if remote, failed := c.git.ResolveRevision(plumbing.Revision("origin/" + name)); failed == nil {
			hash, err = remote, nil
		}
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return *hash, nil
}

// explain says what to do about a name that stands for nothing.
func (c *Clone) explain(name string, err error) error {
	if c.shallow() {
		return fmt.Errorf("%q is not in this clone, which is shallow (%w): fetch-depth: 0 in actions/checkout, GIT_DEPTH: 0 in GitLab, or git fetch --unshallow",
			name, ErrNoRevision)
	}
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%q: an object of it is not in this clone (%w): git fetch origin, without a filter", name, ErrNoRevision)
	}
	return fmt.Errorf("%q is no branch, tag or commit here (%w)%s", name, ErrNoRevision, c.branches())
}

func (c *Clone) shallow() bool {
	roots, err := c.store.Shallow()
	return err == nil && len(roots) > 0
}

// branches lists the branches that there are, the first of many.
func (c *Clone) branches() string {
	const few = 10
	refs, err := c.store.IterReferences()
	if err != nil {
		return ""
	}
	var names []string
	_ = refs.ForEach(func(r *plumbing.Reference) error { // the function returns no error
		if r.Name().IsBranch() || r.Name().IsRemote() && !strings.HasSuffix(r.Name().Short(), "/HEAD") {
			names = append(names, r.Name().Short())
		}
		return nil
	})
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	if more := len(names) - few; more > 0 {
		names = append(names[:few], fmt.Sprintf("%d more", more))
	}
	return "; there are " + strings.Join(names, ", ")
}

// Fork is the commit at which the head left the base: their best common ancestor. ErrUnrelated where the clone knows of none.
func (c *Clone) Fork(base, head Point) (Point, error) {
	if base.Revision == head.Revision {
		return base, nil
	}
	common, err := head.commit.MergeBase(base.commit)
	if err != nil && !errors.Is(err, plumbing.ErrObjectNotFound) {
		return Point{}, fmt.Errorf("the common ancestor of %s and %s: %w", base.Revision.Short(), head.Revision.Short(), err)
	}
	if len(common) == 0 {
		return Point{}, ErrUnrelated
	}
	return c.point(common[0]), nil
}

// mostBetween is how many commits of a change are looked at, and how many of what it is based on.
const mostBetween = 10_000

// Between are the messages of the commits that the head has and the base has not, newest first.
func (c *Clone) Between(base, head Point) []string {
	known := map[plumbing.Hash]bool{}
	for commit := range back(base.commit, nil) {
		known[commit.Hash] = true
	}
	var all []string
	for commit := range back(head.commit, known) {
		all = append(all, commit.Message)
	}
	return all
}

// back goes from a commit through its ancestors but for those that are known, newest first.
func back(from *object.Commit, known map[plumbing.Hash]bool) iter.Seq[*object.Commit] {
	return func(yield func(*object.Commit) bool) {
		commits := object.NewCommitIterCTime(from, known, nil)
		defer commits.Close()
		for range mostBetween {
			commit, err := commits.Next()
			if err != nil || !yield(commit) { // the end, or where the clone was cut off
				return
			}
		}
	}
}

// Before is the commit that a commit was made on, along first parents; false for the first one and where the clone was cut off.
func (c *Clone) Before(p Point) (Point, bool) {
	if len(p.commit.ParentHashes) == 0 {
		return Point{}, false
	}
	commit, err := object.GetCommit(c.objects, p.commit.ParentHashes[0])
	if err != nil {
		return Point{}, false
	}
	return c.point(commit), true
}
