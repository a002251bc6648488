package gitrepo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// place is a folder on disk and what is known about it on the way down from the root of the work tree.
type place struct {
	name    string // slash-separated below the root, "" for the root
	tracked *node
	rules   ignores
	ignored bool // the folder or one above it is: only tracked files count
}

// hashFolder returns the tree hash of a folder by its absolute path, zero where git would commit nothing of it.
func (x *index) hashFolder(dir string) (plumbing.Hash, error) {
	below, err := filepath.Rel(x.top, dir)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	at := place{tracked: x.tracked, rules: x.ignored}
	for part := range strings.SplitSeq(filepath.ToSlash(below), "/") {
		if part == "." {
			break
		}
		if at, err = x.enter(at); err != nil {
			return plumbing.ZeroHash, err
		}
		at = at.down(part)
	}
	return x.hashTree(at)
}

// enter reads the rules that a folder has of its own.
func (x *index) enter(at place) (place, error) {
	if at.ignored || x.tracked == nil {
		return at, nil
	}
	rules, err := at.rules.read(filepath.Join(x.path(at.name), ".gitignore"), at.name)
	at.rules = rules
	return at, err
}

func (x *index) path(name string) string { return filepath.Join(x.top, filepath.FromSlash(name)) }

func (at place) down(name string) place {
	full := path.Join(at.name, name)
	return place{
		name: full, tracked: at.tracked.child(name), rules: at.rules,
		ignored: at.ignored || at.rules.match(full, true),
	}
}

func (x *index) hashTree(at place) (plumbing.Hash, error) {
	at, err := x.enter(at)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	names, err := x.names(at)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	tree := new(object.Tree)
	for _, name := range names {
		entry, err := x.hashEntry(at, name)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !entry.Hash.IsZero() {
			tree.Entries = append(tree.Entries, entry)
		}
	}
	if len(tree.Entries) == 0 && at.name != "" {
		return plumbing.ZeroHash, nil // git keeps no empty folders
	}
	sort.Sort(object.TreeEntrySorter(tree.Entries))
	encoded := new(plumbing.MemoryObject)
	if err := tree.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return encoded.Hash(), nil
}

// names lists what is on disk and what is tracked: of a sparse checkout not all that is tracked is on disk.
func (x *index) names(at place) ([]string, error) {
	onDisk, err := os.ReadDir(x.path(at.name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := make(map[string]bool)
	for _, e := range onDisk {
		names[e.Name()] = true
	}
	if at.tracked != nil {
		for name := range at.tracked.children {
			names[name] = true
		}
	}
	delete(names, ".git")
	return slices.Sorted(maps.Keys(names)), nil
}

// hashEntry returns the entry that git would commit for a name in a folder; its hash is zero where git would leave it out.
func (x *index) hashEntry(parent place, name string) (object.TreeEntry, error) {
	at := parent.down(name)
	entry := object.TreeEntry{Name: name}
	about, err := os.Lstat(x.path(at.name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return x.absent(at, entry)
	case err != nil:
		return entry, err
	case about.IsDir():
		return x.hashDir(at, entry)
	}
	known := at.tracked.file()
	if known == nil && (parent.ignored || parent.rules.match(at.name, false)) {
		x.rest.file(at.name, x.path(at.name), about)
		return entry, nil
	}
	switch about.Mode().Type() {
	case fs.ModeSymlink:
		entry.Mode = filemode.Symlink
		target, err := os.Readlink(x.path(at.name))
		entry.Hash = plumbing.ComputeHash(plumbing.BlobObject, []byte(target))
		return entry, err
	case 0:
		entry.Mode = x.mode(known, about)
		x.rest.size(at.name, about)
		if x.unchanged(known, about) {
			entry.Hash = known.Hash
			return entry, x.again(known, x.path(at.name), about)
		}
		entry.Hash, err = hashFile(x.path(at.name), about.Size())
		return entry, err
	}
	x.rest.file(at.name, x.path(at.name), about)
	return entry, nil // git commits no sockets, pipes or devices
}

// absent keeps what a sparse checkout left out; everything else that is not on disk is deleted.
func (x *index) absent(at place, entry object.TreeEntry) (object.TreeEntry, error) {
	known := at.tracked.file()
	if known != nil {
		if known.SkipWorktree {
			x.rest.absent(at.name)
			entry.Mode, entry.Hash = known.Mode, known.Hash
		}
		return entry, nil
	}
	hash, err := x.hashTree(at)
	entry.Mode, entry.Hash = filemode.Dir, hash
	return entry, err
}

// hashDir hashes a folder, or takes the commit of a repository within this one.
func (x *index) hashDir(at place, entry object.TreeEntry) (object.TreeEntry, error) {
	known := at.tracked.file()
	_, err := os.Lstat(filepath.Join(x.path(at.name), ".git"))
	nested := err == nil && x.tracked != nil
	switch {
	case nested && (known != nil || !at.ignored):
		head, _, err := headOf(x.path(at.name))
		if err != nil {
			return entry, fmt.Errorf("repository in %s: %w", at.name, err)
		}
		entry.Mode, entry.Hash = filemode.Submodule, head
		return entry, x.rest.folder(x.path(at.name), at.name)
	case known != nil && known.Mode == filemode.Submodule: // not initialised
		entry.Mode, entry.Hash = known.Mode, known.Hash
		return entry, x.rest.folder(x.path(at.name), at.name)
	case at.ignored && at.tracked == nil:
		return entry, x.rest.folder(x.path(at.name), at.name)
	}
	entry.Mode = filemode.Dir
	entry.Hash, err = x.hashTree(at)
	return entry, err
}

// hashFile reads a file once, whatever its size, without holding it.
func hashFile(name string, size int64) (plumbing.Hash, error) {
	file, err := os.Open(name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer file.Close()
	hasher := plumbing.NewHasher(plumbing.BlobObject, size)
	n, err := io.Copy(hasher, file)
	if err == nil && n != size {
		err = fmt.Errorf("%s changes while it is read", name)
	}
	return hasher.Sum(), err
}
