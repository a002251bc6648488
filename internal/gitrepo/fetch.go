package gitrepo

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// fetch reads a commit, of which the objects of the tree that was remembered last need not be sent.
func (r *Repo) fetch(ctx context.Context, revision plan.Revision) (*commitTree, error) {
	ctx, cancel := within(ctx, r.limits.move)
	defer cancel()
	tree, err := r.fetchOnto(ctx, r.known(), revision)
	if err != nil {
		return nil, err
	}
	return r.judge(tree) // who is trusted may have changed
}

// fetchOnto reads a commit in one session. Whatever goes wrong with what is sent for last, be it that history was rewritten, that
// the server tidied up, or that one of the two programs errs: the commit is fetched once more, as if nothing were known.
func (r *Repo) fetchOnto(ctx context.Context, last *commitTree, revision plan.Revision) (*commitTree, error) {
	session, refs, err := r.upload(ctx, "fetch from")
	if err != nil {
		return nil, err
	}
	defer session.Close()
	tip, err := r.tip(refs)
	if err != nil {
		return nil, err
	}
	if tip != revision {
		return nil, r.stale(revision, tip)
	}
	if last.is(revision) {
		return last, nil
	}
	if refused := r.takeRefused(revision); refused != nil {
		return refused, nil
	}
	if err := r.tooLarge(revision, nil); err != nil {
		return nil, err
	}
	tree, err := r.read(ctx, session, refs, last, plumbing.NewHash(string(revision)))
	switch {
	case err == nil:
		return tree, nil
	case errors.Is(err, errTooLarge):
		return nil, r.tooLarge(revision, r.fail(ctx, "fetch from", err))
	case last != nil && ctx.Err() == nil:
		r.afresh(err)
		return r.fetchOnto(ctx, nil, revision)
	}
	return nil, r.fail(ctx, "fetch from", err)
}

// tooLarge remembers why a commit is not taken, if that is so, and returns what is known of that.
func (r *Repo) tooLarge(revision plan.Revision, why error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if why != nil {
		r.large, r.largeFor = revision, why
	}
	if r.large != revision {
		return nil
	}
	return r.largeFor
}

// read asks for the objects of a commit that last has not.
func (r *Repo) read(ctx context.Context, session reading, refs *packp.AdvRefs, last *commitTree, want plumbing.Hash) (*commitTree, error) {
	request, err := ask(refs, want, 1)
	if err != nil {
		return nil, err
	}
	var base storer.EncodedObjectStorer = memory.NewStorage()
	if last != nil {
		base = last.store
		if err := offer(request, last.commit.Hash); err != nil {
			return nil, err
		}
	}
	received, err := r.receive(ctx, session, request, base)
	if err != nil {
		return nil, err
	}
	return r.whole(&layered{received, base}, want)
}

// offer tells the server of a commit that is here, without its history. That commit's objects are left out only where deltas to them
// may be sent: git without thin packs looks no further than the parents of what is wanted, and of those depth 1 has none. Whether the
// server can do that go-git does not tell; one that can't passes over the word.
func offer(request *packp.UploadPackRequest, have plumbing.Hash) error {
	request.Shallows = []plumbing.Hash{have}
	request.Haves = []plumbing.Hash{have}
	return request.Capabilities.Set(capability.ThinPack)
}

// whole returns the tree of a commit with a store of its own, which holds what the commit consists of and nothing else. That no
// object is missing is therefore known before anybody reads the tree.
func (r *Repo) whole(from storer.EncodedObjectStorer, want plumbing.Hash) (*commitTree, error) {
	store, commit, err := gather(from, want, r.limits)
	if err != nil {
		return nil, fmt.Errorf("commit %.7s: %w", want, err)
	}
	return newCommitTree(store, commit, r.limits.file), nil
}
