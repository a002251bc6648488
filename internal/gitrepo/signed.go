package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// encode is the object of a commit, signed where that is wanted. There is no way from there to one that is not signed.
func (r *Repo) encode(commit *object.Commit) (plumbing.EncodedObject, error) {
	plain := new(plumbing.MemoryObject)
	if err := commit.Encode(plain); err != nil || r.options.Sign == nil {
		return plain, err
	}
	unsigned, err := rawOf(plain)
	if err != nil {
		return nil, err
	}
	text, err := r.options.Sign(unsigned)
	if err != nil {
		return nil, fmt.Errorf("nothing is committed without a signature: %w", err)
	}
	signed := new(plumbing.MemoryObject)
	signed.SetType(plumbing.CommitObject)
	if _, err := signed.Write(text); err != nil {
		return nil, err
	}
	if err := sameButSigned(signed, unsigned); err != nil || r.options.Trust == nil {
		return signed, err
	}
	if err := r.options.Trust(text); err != nil { // it would be held as soon as it is there, and all that people push after it
		return nil, fmt.Errorf("nothing is committed that is not trusted here: %w", err)
	}
	return signed, nil
}

// sameButSigned returns an error unless an object is a commit that has a signature, and without it is what was to be signed.
func sameButSigned(signed plumbing.EncodedObject, unsigned []byte) error {
	commit := new(object.Commit)
	if err := commit.Decode(signed); err != nil || commit.PGPSignature == "" {
		return errors.Join(errors.New("nothing is committed without a signature, and there is none"), err)
	}
	plain := new(plumbing.MemoryObject)
	if err := commit.EncodeWithoutSignature(plain); err != nil {
		return err
	}
	if text, err := rawOf(plain); err != nil || !bytes.Equal(text, unsigned) {
		return errors.New("nothing is committed without a signature, and what was signed is another commit")
	}
	return nil
}

func rawOf(o plumbing.EncodedObject) ([]byte, error) {
	reader, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

// judge returns the tree if its commit is trusted, and remembers it otherwise.
func (r *Repo) judge(tree *commitTree) (*commitTree, error) {
	err := r.trusted(tree.store, tree.commit)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused = nil; err != nil {
		r.refused = tree
		return nil, err
	}
	return tree, nil
}

// takeRefused returns the tree that was not trusted, if it was of this revision.
func (r *Repo) takeRefused(revision plan.Revision) *commitTree {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused != nil && r.refused.commit.Hash.String() == string(revision) {
		return r.refused
	}
	return nil
}

// trusted says why a commit is not to be read. It is that one alone that has to be signed: who may push a signed tip vouches for what is
// below it.
func (r *Repo) trusted(store storer.EncodedObjectStorer, commit *object.Commit) error {
	if r.options.Trust == nil {
		return nil
	}
	o, err := store.EncodedObject(plumbing.CommitObject, commit.Hash)
	if err != nil {
		return err
	}
	text, err := rawOf(o)
	if err != nil {
		return err
	}
	why := r.options.Trust(text)
	if why == nil {
		return nil
	}
	who := object.Signature{Name: brief(commit.Committer.Name), Email: brief(commit.Committer.Email)}
	return fmt.Errorf("commit %.7s of %s is %w: %s; push one on top that a trusted key has signed, or let its key be trusted",
		commit.Hash, who.String(), reconcile.ErrUntrusted, r.redact(why.Error()))
}

// brief is a name, whatever anybody put in its place.
func brief(name string) string {
	const longest = 40
	if runes := []rune(printable(name)); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return printable(name)
}
