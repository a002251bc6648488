package gitrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Repo is one branch of one repository. It is safe for concurrent use.
type Repo struct {
	options Options
	name    string // the URL as people may see it
	path    string // Options.Path, "." for the root
	branch  plumbing.ReferenceName
	remote  remote
	limits  limits
	secrets *redact.Memory
	afresh  func(why error) // called where a commit is fetched as if nothing were known; for tests

	mu   sync.Mutex
	last *commitTree // that was fetched or pushed: what it has is not sent again
	// refused is a tip that is not trusted: it is looked at in every pass, and not fetched each time.
	refused *commitTree
	// large is a commit that the server sends more of than is taken, and why: it is not asked for again.
	large    plan.Revision
	largeFor error
}

var _ reconcile.Source = (*Repo)(nil)

// Open checks the options, with the credentials as they are now, and returns a Repo. It dials nothing: an unreachable server is an
// error of the calls that follow.
func Open(options Options) (*Repo, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	location, err := parseURL(options.URL)
	if err != nil {
		return nil, err
	}
	repo := &Repo{
		options: options,
		name:    location.String(),
		path:    cmp.Or(options.Path, "."),
		branch:  plumbing.NewBranchReferenceName(options.Branch),
		limits:  defaultLimits(),
		secrets: new(redact.Memory),
		afresh:  func(error) {},
	}
	repo.remote, err = newRemote(&access{location, options.Credentials, repo.secrets}, &repo.limits)
	return repo, err
}

// Tip lists the remote's references once and returns the commit of the branch. Where there is no such branch the error is a
// [*BranchError].
func (r *Repo) Tip(ctx context.Context) (plan.Revision, error) {
	ctx, cancel := within(ctx, r.limits.list)
	defer cancel()
	session, refs, err := r.upload(ctx, "list")
	if err != nil {
		return "", err
	}
	defer session.Close()
	return r.tip(refs)
}

// Fetch reads the content of a commit that Tip returned. Where the branch is no longer at that commit the error is
// [reconcile.ErrStale], and [reconcile.ErrUntrusted] where Options.Trust does not take its signature. Objects that the commit shares with
// the last one that was fetched or pushed are not sent again. The tree's files are those below Options.Path; symbolic links and submodules are listed with their type
// and cannot be opened. The folders that hold them have a hash all the same, because git's hash covers them.
func (r *Repo) Fetch(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	tree, err := r.fetch(ctx, revision)
	if err != nil {
		return nil, err
	}
	files, err := tree.sub(r.path)
	if err != nil {
		return nil, err
	}
	if err := tree.survey(r.path, r.limits); err != nil {
		return nil, err
	}
	r.remember(tree)
	return files, nil
}

// upload opens a session that reads, and reads its list of references.
func (r *Repo) upload(ctx context.Context, doing string) (reading, *packp.AdvRefs, error) {
	session, err := r.remote.read(ctx)
	if err != nil {
		return nil, nil, r.fail(ctx, doing, err)
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		session.Close()
		return nil, nil, &BranchError{Repository: r.name, Branch: r.branch.Short()}
	}
	if err != nil {
		session.Close()
		return nil, nil, r.fail(ctx, doing, err)
	}
	return session, refs, nil
}

// tip returns where a list of references has the branch.
func (r *Repo) tip(refs *packp.AdvRefs) (plan.Revision, error) {
	if hash, ok := refs.References[r.branch.String()]; ok {
		return plan.Revision(hash.String()), nil
	}
	missing := &BranchError{Repository: r.name, Branch: r.branch.Short()}
	for name := range refs.References {
		if short, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			missing.Existing = append(missing.Existing, short)
		}
	}
	slices.Sort(missing.Existing)
	return "", missing
}

func (r *Repo) stale(planned, tip plan.Revision) error {
	return fmt.Errorf("branch %q is at %s, not at %s: %w", r.branch.Short(), tip.Short(), planned.Short(), reconcile.ErrStale)
}

// remember keeps a tree that is whole.
func (r *Repo) remember(tree *commitTree) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = tree
}

// known returns the tree that was remembered last, nil for none.
func (r *Repo) known() *commitTree {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// take returns the tree that was remembered last, if it is of this revision.
func (r *Repo) take(revision plan.Revision) *commitTree {
	if last := r.known(); last.is(revision) {
		return last
	}
	return nil
}

// within bounds a call whose context has no deadline.
func within(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, most)
}
