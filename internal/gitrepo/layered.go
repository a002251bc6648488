package gitrepo

import (
	"errors"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// layered is a store over another one, which is only read.
type layered struct {
	storer.EncodedObjectStorer // what is new
	base                       storer.EncodedObjectStorer
}

// EncodedObject looks among the new objects first.
func (l *layered) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	found, err := l.EncodedObjectStorer.EncodedObject(kind, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return l.base.EncodedObject(kind, hash)
	}
	return found, err
}
