package gitrepo

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// change is one path where two trees differ. An entry that is missing on one side is the zero entry there.
type change struct {
	path     string
	old, new object.TreeEntry
}

// prove returns an error unless the new tree is the old one plus exactly these files, by path. It looks at nothing but the two
// trees: what made the new one has no say in it.
func prove(store storer.EncodedObjectStorer, oldTree, newTree plumbing.Hash, files map[string][]byte) error {
	changes, err := diff(store, oldTree, newTree, ".")
	if err != nil {
		return fmt.Errorf("compare the new tree with the old one: %w", err)
	}
	if len(changes) == 0 && oldTree != newTree {
		return errors.New("the new tree differs from the old one in how it is written")
	}
	unseen := maps.Clone(files)
	for _, c := range changes {
		data, planned := files[c.path]
		if !planned {
			return fmt.Errorf("the new tree would change %s, which was not planned", c.path)
		}
		if !c.writes(data) {
			return fmt.Errorf("the new tree would not have %s as planned", c.path)
		}
		delete(unseen, c.path)
	}
	for _, name := range slices.Sorted(maps.Keys(unseen)) { // unchanged, or not written
		if has, err := holds(store, newTree, name, unseen[name]); err != nil || !has {
			return fmt.Errorf("the new tree would not have %s as planned", name)
		}
	}
	return nil
}

// writes tells whether the change is a file that gets this content, new or with the mode that it had.
func (c change) writes(data []byte) bool {
	added := c.old == object.TreeEntry{} && c.new.Mode == filemode.Regular
	replaced := c.old.Mode == c.new.Mode && (c.new.Mode == filemode.Regular || c.new.Mode == filemode.Executable)
	return (added || replaced) && c.new.Hash == plumbing.ComputeHash(plumbing.BlobObject, data)
}

// holds tells whether the tree has a file with this content.
func holds(store storer.EncodedObjectStorer, tree plumbing.Hash, name string, data []byte) (bool, error) {
	root, err := object.GetTree(store, tree)
	if err != nil {
		return false, err
	}
	entry, err := root.FindEntry(name)
	if err != nil {
		return false, err
	}
	return entry.Mode.IsRegular() && entry.Hash == plumbing.ComputeHash(plumbing.BlobObject, data), nil
}

// diff lists the paths below dir where two trees differ, file by file, sorted. Folders with the same hash are not entered; a
// path that is a folder on one side and something else on the other is listed as such.
func diff(store storer.EncodedObjectStorer, oldTree, newTree plumbing.Hash, dir string) ([]change, error) {
	before, err := listing(store, oldTree)
	if err != nil {
		return nil, err
	}
	after, err := listing(store, newTree)
	if err != nil {
		return nil, err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	var changes []change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		below, err := diffEntry(store, before[name], after[name], path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		changes = append(changes, below...)
	}
	return changes, nil
}

func diffEntry(store storer.EncodedObjectStorer, was, is object.TreeEntry, at string) ([]change, error) {
	if was == is {
		return nil, nil
	}
	var below []change
	if folderOrNone(was) && folderOrNone(is) {
		var err error
		if below, err = diff(store, was.Hash, is.Hash, at); err != nil {
			return nil, err
		}
	}
	if len(below) == 0 { // files, or folders that differ in nothing but how they are written
		below = []change{{path: at, old: was, new: is}}
	}
	return below, nil
}

func folderOrNone(e object.TreeEntry) bool {
	return e == object.TreeEntry{} || e.Mode == filemode.Dir
}

// listing returns the entries of a tree by name, none for the zero hash. An entry that occurs twice is an error.
func listing(store storer.EncodedObjectStorer, hash plumbing.Hash) (map[string]object.TreeEntry, error) {
	entries := make(map[string]object.TreeEntry)
	if hash.IsZero() {
		return entries, nil
	}
	tree, err := object.GetTree(store, hash)
	if err != nil {
		return nil, fmt.Errorf("tree %.7s: %w", hash, err)
	}
	for _, e := range tree.Entries {
		if _, twice := entries[e.Name]; twice {
			return nil, fmt.Errorf("tree %.7s has %q twice", hash, e.Name)
		}
		entries[e.Name] = e
	}
	return entries, nil
}
