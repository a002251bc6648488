package gitrepo

import (
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"
)

// gathering moves the objects of a commit from one store to another. Objects never change, so that both may hold the same ones.
type gathering struct {
	from    storer.EncodedObjectStorer
	into    *memory.Storage
	limits  limits
	content int64           // bytes of what was taken
	folders []plumbing.Hash // that were taken, and whose entries were not
}

// gather returns a store with a commit, without its parents, and all that its tree consists of.
func gather(from storer.EncodedObjectStorer, want plumbing.Hash, limits limits) (*memory.Storage, *object.Commit, error) {
	g := &gathering{from: from, into: memory.NewStorage(), limits: limits}
	if err := g.take(plumbing.CommitObject, want); err != nil {
		return nil, nil, err
	}
	commit, err := object.GetCommit(g.into, want)
	if err != nil {
		return nil, nil, err
	}
	if err := g.take(plumbing.TreeObject, commit.TreeHash); err != nil {
		return nil, nil, err
	}
	for len(g.folders) > 0 { // no recursion: nobody bounds how deep folders are
		last := len(g.folders) - 1
		folder := g.folders[last]
		g.folders = g.folders[:last]
		if err := g.open(folder); err != nil {
			return nil, nil, fmt.Errorf("tree %.7s: %w", folder, err)
		}
	}
	return g.into, commit, nil
}

func (g *gathering) open(folder plumbing.Hash) error {
	tree, err := object.GetTree(g.into, folder)
	if err != nil {
		return err
	}
	for _, entry := range tree.Entries {
		kind := plumbing.BlobObject
		switch entry.Mode {
		case filemode.Submodule:
			continue
		case filemode.Dir:
			kind = plumbing.TreeObject
		}
		if err := g.take(kind, entry.Hash); err != nil {
			return err
		}
	}
	return nil
}

// take moves an object that was not moved already.
func (g *gathering) take(kind plumbing.ObjectType, hash plumbing.Hash) error {
	if _, err := g.into.EncodedObject(kind, hash); err == nil {
		return nil
	}
	found, err := g.from.EncodedObject(kind, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) && hash == emptyTree() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %.7s was not sent: %w", kind, hash, err)
	}
	g.content += found.Size()
	if g.content > g.limits.content || int64(len(g.into.Objects)) >= int64(g.limits.objects) {
		return errTooLarge
	}
	if kind == plumbing.TreeObject {
		g.folders = append(g.folders, hash)
	}
	_, err = g.into.SetEncodedObject(found)
	return err
}
