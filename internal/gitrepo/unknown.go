package gitrepo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trefoil-gitops/trefoil/schema"
)

// ErrNoRevision says that a name stands for no commit that is in the clone. What is printed says why, and what to try.
var ErrNoRevision = errors.New("no such revision")

// revisionError is an ErrNoRevision in the words of the one who asked.
type revisionError string

func (e revisionError) Error() string        { return string(e) }
func (e revisionError) Is(target error) bool { return target == ErrNoRevision }

const (
	errNoParent = revisionError("there is no such commit before it")
	errSyntax   = revisionError("write a branch, a tag or a commit, and ~N or ^N after it for what is before it")
)

// unknown says what to do about a name that stands for nothing.
func (c *Clone) unknown(word string) error {
	names := c.names()
	head := word == plumbing.HEAD.String()
	switch {
	case len(names) == 0 && head:
		return revisionError("nothing was committed yet: make a first commit (`git add -A`, `git commit`)")
	case head:
		return revisionError("nothing was committed yet on the branch that is checked out")
	case strings.ContainsAny(word, ":{*? ") || strings.Contains(word, ".."):
		return revisionError(fmt.Sprintf("%q: %v", word, errSyntax))
	case len(c.cutOff) > 0:
		return revisionError(fmt.Sprintf("%q is not in this clone, which is shallow%s: %s", word, guess(word, names), deepen(word)))
	case len(names) == 0:
		return revisionError(fmt.Sprintf("%q: there is no branch or tag, nothing was committed yet", word))
	}
	has := guess(word, names)
	if has == "" {
		has = " (it has: " + few(names) + ")"
	}
	return revisionError(fmt.Sprintf("%q is no branch, tag or commit of this clone%s%s", word, has, fetch(word)))
}

// guess asks whether a name that is there was meant: a misspelt one, or one that ends as this one does, as users/ada/mnist for mnist.
func guess(word string, names []string) string {
	near, ok := schema.Nearest(word, names)
	if i := slices.IndexFunc(names, func(name string) bool { return word != "" && strings.HasSuffix(name, "/"+word) }); i >= 0 {
		near, ok = names[i], true
	}
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", near)
}

// lost says why there is nothing where a name leads.
func (c *Clone) lost(name string, err error) error {
	if errors.Is(err, errNoParent) && len(c.cutOff) > 0 {
		return revisionError(fmt.Sprintf("%q goes back beyond this clone, which is shallow: %s", name, deepen("")))
	}
	return fmt.Errorf("%q: %w", name, err)
}

// deepen is how a shallow clone gets the rest of its history, and a branch.
func deepen(branch string) string {
	const ways = "fetch-depth: 0 in actions/checkout, GIT_DEPTH: 0 in GitLab, or git fetch --unshallow"
	if spec := refspec(branch); spec != "" {
		return ways + " origin " + spec
	}
	return ways
}

func fetch(branch string) string {
	if spec := refspec(branch); spec != "" {
		return ": if the remote has it, git fetch origin " + spec
	}
	return ""
}

// refspec is what fetches a branch so that this package finds it; empty for what can't be a branch, or is not to be typed into a shell.
func refspec(word string) string {
	branch := strings.TrimPrefix(word, "origin/")
	odd := strings.Trim(branch, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./") != ""
	if odd || isHash(branch) || strings.HasPrefix(branch, "refs/") || plumbing.NewBranchReferenceName(branch).Validate() != nil {
		return ""
	}
	return branch + ":" + plumbing.NewRemoteReferenceName("origin", branch).String()
}

// names are the branches and tags that there are, sorted, the clone's own ones first.
func (c *Clone) names() []string {
	refs, err := c.store.IterReferences()
	if err != nil {
		return nil
	}
	var branches, others []string
	_ = refs.ForEach(func(r *plumbing.Reference) error { // the function returns no error
		switch name := r.Name(); {
		case name.IsBranch():
			branches = append(branches, name.Short())
		case name.IsTag(), name.IsRemote() && !strings.HasSuffix(name.Short(), "/HEAD"):
			others = append(others, name.Short())
		}
		return nil
	})
	slices.Sort(branches)
	slices.Sort(others)
	return append(branches, others...)
}
