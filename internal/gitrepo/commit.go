package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// Commit puts one commit with the edit's files on top of base, which must be the branch's tip, and returns it. Paths are
// relative to Options.Path, and none but selected/NAME.cue is taken. The same base and edit make the same commit, so that
// calling again after an error of unknown outcome cannot commit twice. Where the branch is elsewhere the error is
// [reconcile.ErrStale] and nothing was changed.
func (r *Repo) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	if err := checkEdit(edit); err != nil {
		return "", err
	}
	tree, err := r.has(ctx, base)
	if err != nil {
		return "", err
	}
	draft, commit, err := r.build(tree, []*object.Commit{tree.commit}, edit)
	if err != nil {
		return "", err
	}
	ours := plan.Revision(commit.String())
	if err := r.push(ctx, draft, base, ours); err != nil {
		return "", err
	}
	if pushed, err := r.whole(&draft.layered, commit); err == nil { // else the commit is fetched like any other
		r.remember(pushed)
	}
	return ours, nil
}

func checkEdit(edit reconcile.Edit) error {
	if len(edit.Files) == 0 {
		return errors.New("a commit without files")
	}
	for name := range edit.Files {
		if err := checkPath(name); err != nil {
			return err
		}
	}
	if edit.Message == "" || !utf8.ValidString(edit.Message) || strings.ContainsRune(edit.Message, 0) {
		return errors.New("a commit message is text in UTF-8, and not empty")
	}
	return nil
}

// errNothing says that a branch has that content already.
var errNothing = errors.New("the commit would change nothing")

// build makes the objects of a commit on top of its parents, of which the first one is the tip of the branch, with the content of base, and
// proves that they change exactly what the edit says.
func (r *Repo) build(base *commitTree, parents []*object.Commit, edit reconcile.Edit) (*draft, plumbing.Hash, error) {
	draft := newDraft(base.store)
	byName, byPath := make(map[string][]byte), make(map[string][]byte)
	for name, data := range edit.Files {
		byName[path.Base(name)] = data
		byPath[path.Join(r.path, name)] = data
	}
	old := base.commit.TreeHash
	tree, err := draft.write(old, path.Join(r.path, ours), byName)
	if err != nil {
		return nil, plumbing.ZeroHash, fmt.Errorf("edit %s: %w", path.Join(r.path, ours), err)
	}
	if tree == parents[0].TreeHash {
		return nil, plumbing.ZeroHash, errNothing
	}
	if err := prove(draft, old, tree, byPath); err != nil {
		return nil, plumbing.ZeroHash, err
	}
	commit, err := r.encode(r.commit(parents, tree, edit))
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	hash, err := draft.add(commit)
	return draft, hash, err
}

// commit is a function of its arguments and the options: no clock, no zone of this machine.
func (r *Repo) commit(parents []*object.Commit, tree plumbing.Hash, edit reconcile.Edit) *object.Commit {
	when, hashes := edit.Date, []plumbing.Hash(nil)
	for _, p := range parents {
		if p.Committer.When.After(when) {
			when = p.Committer.When
		}
		hashes = append(hashes, p.Hash)
	}
	author := object.Signature{Name: r.options.AuthorName, Email: r.options.AuthorEmail, When: when.UTC().Truncate(time.Second)}
	committer := author
	committer.Name = cmp.Or(r.options.CommitterName, author.Name)
	committer.Email = cmp.Or(r.options.CommitterEmail, author.Email)
	return &object.Commit{
		Author: author, Committer: committer, Message: edit.Message,
		TreeHash: tree, ParentHashes: hashes,
	}
}

// push moves the branch from base, empty where it is to be made, to ours. After an error only the server knows whether it did, so the server is asked: no
// error text is ever read for that.
func (r *Repo) push(ctx context.Context, draft *draft, base, ours plan.Revision) error {
	failed := r.send(ctx, draft, base, ours)
	if failed == nil {
		return nil
	}
	tip, err := r.Tip(ctx)
	if base == "" && absentBranch(err) {
		return failed
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w (and whether it arrived is not known: %w)", failed, err)
	case tip == ours:
		return nil
	case tip != base:
		return r.stale(base, tip)
	}
	return failed
}

// send pushes once. The command names the old commit, and the server moves the branch only from there.
func (r *Repo) send(ctx context.Context, draft *draft, base, ours plan.Revision) error {
	ctx, cancel := within(ctx, r.limits.move)
	defer cancel()
	session, err := r.remote.write(ctx)
	if err != nil {
		return r.fail(ctx, "push to", err)
	}
	defer session.Close()
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return r.fail(ctx, "push to", err)
	}
	tip, err := r.tip(refs)
	if err != nil && (base != "" || !absentBranch(err)) {
		return err
	}
	if tip != base {
		return r.stale(base, tip) // push looks whether it is ours already
	}
	request, err := r.request(draft, refs, base, ours)
	if err != nil {
		return err
	}
	report, err := session.ReceivePack(ctx, request)
	switch {
	case report != nil && report.Error() != nil:
		return fmt.Errorf("%w: %w", reconcile.ErrDeclined, r.fail(ctx, "push to", report.Error()))
	case err == nil && report == nil:
		err = errors.New("the server did not say whether it took the commit")
	}
	if err != nil {
		return r.fail(ctx, "push to", err)
	}
	return nil
}

// request asks to move the branch and carries the pack of what is new.
func (r *Repo) request(draft *draft, refs *packp.AdvRefs, base, ours plan.Revision) (*packp.ReferenceUpdateRequest, error) {
	request := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	request.Commands = []*packp.Command{{
		Name: r.branch, Old: plumbing.NewHash(string(base)), New: plumbing.NewHash(string(ours)),
	}}
	pack, err := draft.pack()
	if err != nil {
		return nil, err
	}
	request.Packfile = io.NopCloser(pack)
	return request, nil
}

// pack holds what is new. Deltas are not worth it for a few small objects.
func (d *draft) pack() (*bytes.Buffer, error) {
	pack := new(bytes.Buffer)
	if _, err := packfile.NewEncoder(pack, d, false).Encode(d.made, 0); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return pack, nil
}
