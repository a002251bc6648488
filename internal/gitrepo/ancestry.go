package gitrepo

import (
	"container/heap"
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrUnrelated says that two commits have no common ancestor in the clone.
var ErrUnrelated = errors.New("no common ancestor")

// Fork is the commit at which the head left the base: their best common ancestor, as `git merge-base` finds it; of several the one
// that was committed last. Where the clone knows of none the error wraps [ErrUnrelated].
func (c *Clone) Fork(base, head Point) (Point, error) {
	a, err := c.ancestry(base, head)
	if err != nil {
		return Point{}, err
	}
	best := a.best()
	if best == nil {
		return Point{}, a.unrelated()
	}
	return c.point(best.commit), nil
}

// mostBetween is how many commits of a change are told.
const mostBetween = 1000

// Between are the messages of the commits that the head has and the base has not, newest first, 1,000 at most. Where a
// shallow clone has no common ancestor nobody can tell which these are, and the error wraps [ErrUnrelated].
func (c *Clone) Between(base, head Point) ([]string, error) {
	a, err := c.ancestry(base, head)
	if err != nil {
		return nil, err
	}
	if a.cut && a.best() == nil {
		return nil, a.unrelated()
	}
	var all []string
	for _, x := range a.order {
		if x.of == ofHead && len(all) < mostBetween {
			all = append(all, x.commit.Message)
		}
	}
	return all, nil
}

// What a commit is an ancestor of; every commit is its own one.
const (
	ofBase = 1 << iota
	ofHead
	ofCommon // of another common ancestor, so that it is not the best one
	ofBoth   = ofBase | ofHead
)

// mostAncestors is how many commits are looked at for where two of them part.
const mostAncestors = 200_000

// skew is by how much a commit may seem to be older than its parents, because clocks differ.
const skew = 24 * time.Hour

// ancestry marks the ancestors of two commits, newest first, until all that is left is of both, and older than what is not.
type ancestry struct {
	clone      *Clone
	base, head Point
	known      map[plumbing.Hash]*ancestor
	order      []*ancestor // as they were first looked at
	waiting    waiting
	open       int       // how many are waiting that are of no common ancestor
	oldest     time.Time // of those that are of the head alone, or were at some time
	cut        bool      // a parent is not in this clone
}

type ancestor struct {
	commit  *object.Commit
	of      int
	nth     int // in which order they were found, to be the same each time
	waits   bool
	visited bool
}

func (c *Clone) ancestry(base, head Point) (*ancestry, error) {
	a := &ancestry{clone: c, base: base, head: head, known: map[plumbing.Hash]*ancestor{}, oldest: head.commit.Committer.When}
	a.mark(base.commit, ofBase)
	a.mark(head.commit, ofHead)
	for a.more() {
		if len(a.known) > mostAncestors {
			return nil, fmt.Errorf("%s and %s are more than %d commits apart", base.Revision.Short(), head.Revision.Short(), mostAncestors)
		}
		if err := a.visit(a.next()); err != nil {
			return nil, fmt.Errorf("the common ancestor of %s and %s: %w", base.Revision.Short(), head.Revision.Short(), err)
		}
	}
	return a, nil
}

// more tells whether anything that waits could still change the answer.
func (a *ancestry) more() bool {
	return len(a.waiting) > 0 && (a.open > 0 || !a.waiting[0].commit.Committer.When.Before(a.oldest.Add(-skew)))
}

// mark says of a commit what it is an ancestor of. What is news has to be told to its parents.
func (a *ancestry) mark(commit *object.Commit, of int) {
	x := a.known[commit.Hash]
	if x == nil {
		x = &ancestor{commit: commit, nth: len(a.known)}
		a.known[commit.Hash] = x
	}
	if x.of|of == x.of {
		return
	}
	if x.waits && x.of&ofCommon == 0 {
		a.open--
	}
	x.of |= of
	if x.of&ofCommon == 0 {
		a.open++
	}
	if !x.waits {
		x.waits = true
		heap.Push(&a.waiting, x)
	}
}

func (a *ancestry) next() *ancestor {
	x, _ := heap.Pop(&a.waiting).(*ancestor)
	x.waits = false
	if x.of&ofCommon == 0 {
		a.open--
	}
	return x
}

func (a *ancestry) visit(x *ancestor) error {
	if !x.visited {
		x.visited = true
		a.order = append(a.order, x)
	}
	if when := x.commit.Committer.When; x.of == ofHead && when.Before(a.oldest) {
		a.oldest = when
	}
	of := x.of
	if of&ofBoth == ofBoth {
		of |= ofCommon
	}
	parents := a.clone.parents(x.commit)
	a.cut = a.cut || len(parents) < len(x.commit.ParentHashes)
	for _, hash := range parents {
		parent, err := a.clone.ancestor(a.known[hash], hash)
		if err != nil {
			return err
		}
		a.mark(parent, of)
	}
	return nil
}

func (c *Clone) ancestor(known *ancestor, hash plumbing.Hash) (*object.Commit, error) {
	if known != nil {
		return known.commit, nil
	}
	return object.GetCommit(c.objects, hash)
}

// best is nil where there is no common ancestor.
func (a *ancestry) best() *ancestor {
	for _, x := range a.order {
		if x.of == ofBoth {
			return x
		}
	}
	return nil
}

func (a *ancestry) unrelated() error {
	base, head := a.base.Revision.Short(), a.head.Revision.Short()
	if a.cut {
		return fmt.Errorf("%s and %s have %w in this clone, which is shallow: %s", base, head, ErrUnrelated, deepen(""))
	}
	return fmt.Errorf("%s and %s have %w", base, head, ErrUnrelated)
}

// waiting is a heap, the commit that was made last on top.
type waiting []*ancestor

func (w waiting) Len() int      { return len(w) }
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *waiting) Push(x any)   { *w = append(*w, x.(*ancestor)) } //nolint:forcetypeassert // nothing else is pushed
func (w waiting) Less(i, j int) bool {
	if a, b := w[i].commit.Committer.When, w[j].commit.Committer.When; !a.Equal(b) {
		return a.After(b)
	}
	return w[i].nth < w[j].nth
}

func (w *waiting) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}
