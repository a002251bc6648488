package gitrepo

import (
	"errors"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// objects are those of a repository on disk, each looked up there once. go-git would open a file for every question, and does not
// know the size of an object that a clone borrows from another one.
type objects struct {
	storer.EncodedObjectStorer
	known *cache.ObjectLRU

	mu    sync.Mutex
	sizes map[plumbing.Hash]int64
}

func newObjects(store storer.EncodedObjectStorer) *objects {
	return &objects{EncodedObjectStorer: store, known: cache.NewObjectLRUDefault(), sizes: make(map[plumbing.Hash]int64)}
}

// EncodedObject returns the object with the hash.
func (o *objects) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	if found, ok := o.known.Get(hash); ok && (kind == plumbing.AnyObject || kind == found.Type()) {
		return found, nil
	}
	found, err := o.EncodedObjectStorer.EncodedObject(kind, hash)
	if err == nil {
		o.known.Put(found)
	}
	return found, err
}

// EncodedObjectSize returns the size of the object with the hash.
func (o *objects) EncodedObjectSize(hash plumbing.Hash) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if size, ok := o.sizes[hash]; ok {
		return size, nil
	}
	size, err := o.EncodedObjectStorer.EncodedObjectSize(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		var found plumbing.EncodedObject
		if found, err = o.EncodedObject(plumbing.AnyObject, hash); err == nil {
			size = found.Size()
		}
	}
	if err == nil {
		o.sizes[hash] = size
	}
	return size, err
}
