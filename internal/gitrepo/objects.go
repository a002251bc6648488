package gitrepo

import (
	"errors"
	"fmt"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// objects are those of a repository on disk, each looked up there once. go-git would open a file for every question, does not know
// the size of an object that a clone borrows from another one, and is not safe for concurrent use.
type objects struct {
	storer.EncodedObjectStorer
	store *filesystem.Storage
	known *cache.ObjectLRU

	mu    sync.Mutex
	sizes map[plumbing.Hash]int64
}

func newObjects(store *filesystem.Storage) *objects {
	return &objects{EncodedObjectStorer: store, store: store, known: cache.NewObjectLRUDefault(), sizes: make(map[plumbing.Hash]int64)}
}

// EncodedObject returns the object with the hash. Where there is none the error wraps [plumbing.ErrObjectNotFound].
func (o *objects) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.object(kind, hash)
}

func (o *objects) object(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	if found, ok := o.known.Get(hash); ok && (kind == plumbing.AnyObject || kind == found.Type()) {
		return found, nil
	}
	found, err := o.EncodedObjectStorer.EncodedObject(kind, hash)
	if err == nil {
		o.known.Put(found)
	}
	return found, o.explain(hash, err)
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
		if found, err = o.object(plumbing.AnyObject, hash); err == nil {
			size = found.Size()
		}
	}
	if err == nil {
		o.sizes[hash] = size
	}
	return size, err
}

// explain says why an object that something refers to may not be there.
func (o *objects) explain(hash plumbing.Hash, err error) error {
	if !errors.Is(err, plumbing.ErrObjectNotFound) {
		return err
	}
	if settings, failed := o.store.Config(); failed == nil && partial(settings) {
		return fmt.Errorf("%.7s is not in this clone, which is partial (%w): clone without --filter (actions/checkout sets one with "+
			"sparse-checkout), or git fetch --refetch --no-filter origin", hash, err)
	}
	return fmt.Errorf("%.7s is not in this clone (%w): git fsck tells whether it is damaged", hash, err)
}
