package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// objects are those of a repository on disk, each looked up there once. go-git would open a file for every question, does not know
// the size of an object that a clone borrows from another one, and is not safe for concurrent use.
type objects struct {
	storer.EncodedObjectStorer
	store  *filesystem.Storage
	folder string // of the loose ones
	known  *cache.ObjectLRU

	mu    sync.Mutex
	sizes map[plumbing.Hash]int64
}

func newObjects(store *filesystem.Storage, folder string) *objects {
	return &objects{EncodedObjectStorer: store, store: store, folder: folder, known: cache.NewObjectLRUDefault(), sizes: make(map[plumbing.Hash]int64)}
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
	if found, ok := o.loose(hash); ok && (kind == plumbing.AnyObject || kind == found.Type()) {
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
	if found, ok := o.loose(hash); ok {
		return found.Size(), nil
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

// loose reads what has a file of its own, as all that is new has, and is no larger than a spec. go-git would look at each folder on the
// way to that file, and open it once for the size and once for the content.
func (o *objects) loose(hash plumbing.Hash) (plumbing.EncodedObject, bool) {
	name := hash.String()
	file := filepath.Join(o.folder, name[:2], name[2:])
	about, err := os.Stat(file)
	if err != nil || about.Size() > defaultLimits().file {
		return nil, false
	}
	packed, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	r, err := objfile.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	defer r.Close()
	kind, size, err := r.Header()
	if err != nil || size > defaultLimits().file {
		return nil, false
	}
	found := new(plumbing.MemoryObject)
	found.SetType(kind)
	if n, err := io.Copy(found, io.LimitReader(r, size+1)); err != nil || n != size {
		return nil, false
	}
	o.known.Put(found)
	return found, true
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
