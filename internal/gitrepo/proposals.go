package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Proposals are a branch beside that of a Repo, in which what is recorded waits for people to merge it. It is safe for concurrent use.
type Proposals struct {
	followed, branch *Repo
}

var _ reconcile.Proposals = (*Proposals)(nil)

// Proposals returns the branch Options.CommitTo; nil where there is none.
func (r *Repo) Proposals() *Proposals {
	if r.options.CommitTo == "" {
		return nil
	}
	return &Proposals{r, &Repo{
		options: r.options, name: r.name, path: r.path, branch: plumbing.NewBranchReferenceName(r.options.CommitTo), remote: r.remote,
		limits: r.limits, secrets: r.secrets, afresh: r.afresh,
	}}
}

// Proposed implements [reconcile.Proposals].
func (p *Proposals) Proposed(ctx context.Context) (plan.Revision, error) {
	tip, err := p.branch.Tip(ctx)
	if absentBranch(err) {
		return "", nil
	}
	return tip, err
}

// FetchProposed implements [reconcile.Proposals].
func (p *Proposals) FetchProposed(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	tree, err := p.branch.Fetch(ctx, revision)
	return tree, p.branch.gone(err)
}

// Propose implements [reconcile.Proposals]. Where the branch was built on another commit of the followed one, the new commit merges the two:
// it is on top of both, so that the push is a fast-forward, and has the content of the followed one.
func (p *Proposals) Propose(ctx context.Context, from, on plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	if err := checkEdit(edit); err != nil {
		return "", err
	}
	base, err := p.followed.has(ctx, on)
	if err != nil {
		return "", err
	}
	parents := []*object.Commit{base.commit}
	if from != "" {
		tip, err := p.branch.tipOf(ctx, from)
		if err != nil {
			return "", err
		}
		parents = ontop(tip.commit, base.commit)
	}
	draft, commit, err := p.branch.build(base, parents, edit)
	if errors.Is(err, errNothing) && from != "" {
		return from, nil
	}
	if err != nil {
		return "", err
	}
	proposed := plan.Revision(commit.String())
	if err := p.branch.gone(p.branch.push(ctx, draft, from, proposed)); err != nil {
		return "", err
	}
	if pushed, err := p.branch.whole(&draft.layered, commit); err == nil {
		p.branch.remember(pushed)
	}
	return proposed, nil
}

// ontop are the parents of a commit upon a branch that has the content of another one: that one only where the branch is not built on it
// already, as its tip says.
func ontop(tip, on *object.Commit) []*object.Commit {
	built := tip.Hash == on.Hash || slices.Contains(tip.ParentHashes, on.Hash) ||
		slices.Contains(strings.Split(tip.Message, "\n"), plan.SpecCommit+": "+on.Hash.String())
	if built {
		return []*object.Commit{tip}
	}
	return []*object.Commit{tip, on}
}

// tipOf returns a commit to build upon. Nothing of its content is taken, so that it need not be trusted.
func (r *Repo) tipOf(ctx context.Context, revision plan.Revision) (*commitTree, error) {
	if tree := r.take(revision); tree != nil {
		return tree, nil
	}
	ctx, cancel := within(ctx, r.limits.move)
	defer cancel()
	tree, err := r.fetchOnto(ctx, r.known(), revision)
	return tree, r.gone(err)
}

// gone makes of a branch that somebody deleted one that has moved.
func (r *Repo) gone(err error) error {
	if absentBranch(err) {
		return fmt.Errorf("branch %q is gone: %w", r.branch.Short(), reconcile.ErrStale)
	}
	return err
}

// has returns the tree of a commit that was fetched, or fetches it.
func (r *Repo) has(ctx context.Context, revision plan.Revision) (*commitTree, error) {
	if tree := r.take(revision); tree != nil {
		return tree, nil
	}
	return r.fetch(ctx, revision)
}

// absentBranch reports whether all that is wrong is that there is no such branch.
func absentBranch(err error) bool {
	_, absent := errors.AsType[*BranchError](err)
	return absent
}
