package gitrepo

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// emptyTree is the hash of a folder without files. Git knows it without having it.
func emptyTree() plumbing.Hash { return plumbing.ComputeHash(plumbing.TreeObject, nil) }

// commitTree is the tree of one commit. Its store is complete when it is made and never changes after.
type commitTree struct {
	store   storer.EncodedObjectStorer
	commit  *object.Commit
	largest int64 // bytes of a file that is opened

	mu      sync.Mutex
	folders map[plumbing.Hash][]object.TreeEntry // what was decoded already
}

func newCommitTree(store storer.EncodedObjectStorer, commit *object.Commit, largest int64) *commitTree {
	return &commitTree{store: store, commit: commit, largest: largest, folders: make(map[plumbing.Hash][]object.TreeEntry)}
}

// is tells whether the tree is that of a revision. No tree is of none.
func (t *commitTree) is(revision plan.Revision) bool {
	return t != nil && t.commit.Hash.String() == string(revision)
}

// sub returns the tree below a folder.
func (t *commitTree) sub(folder string) (schema.Tree, error) {
	entry, err := t.find(rootEntry(t.commit.TreeHash), folder)
	if err == nil && entry.Mode != filemode.Dir {
		err = refusal(entry.Mode, fmt.Errorf("is a file, not a folder: %w", fs.ErrNotExist))
	}
	if err != nil {
		return nil, fmt.Errorf("folder of the specs in commit %.7s: %s %w", t.commit.Hash, folder, err)
	}
	return &subtree{tree: t, root: entry.Hash}, nil
}

func rootEntry(hash plumbing.Hash) object.TreeEntry {
	return object.TreeEntry{Name: ".", Mode: filemode.Dir, Hash: hash}
}

// find walks from a folder to the entry at a valid path, through folders only.
func (t *commitTree) find(at object.TreeEntry, name string) (object.TreeEntry, error) {
	if name == "." {
		return at, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if at.Mode != filemode.Dir {
			return at, refusal(at.Mode, fs.ErrNotExist)
		}
		entries, err := t.entries(at.Hash)
		if err != nil {
			return at, err
		}
		i, ok := slices.BinarySearchFunc(entries, part, func(e object.TreeEntry, part string) int { return strings.Compare(e.Name, part) })
		if !ok {
			return at, fs.ErrNotExist
		}
		at = entries[i]
	}
	return at, nil
}

// entries decodes a folder, sorted by name as io/fs wants it (git sorts folders as if their names ended in a slash).
func (t *commitTree) entries(hash plumbing.Hash) ([]object.TreeEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.folders[hash]; ok || hash == emptyTree() {
		return known, nil
	}
	tree, err := object.GetTree(t.store, hash)
	if err != nil {
		return nil, fmt.Errorf("tree %.7s: %w", hash, err)
	}
	entries := tree.Entries
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	for i, e := range entries {
		twin := i > 0 && entries[i-1].Name == e.Name
		if twin || e.Name == "." || e.Name == ".." || strings.Contains(e.Name, "/") {
			return nil, fmt.Errorf("tree %.7s has an entry %q that git would never write", hash, e.Name)
		}
	}
	t.folders[hash] = entries
	return entries, nil
}

// refusal returns why an entry that is neither file nor folder is not read, else otherwise.
func refusal(mode filemode.FileMode, otherwise error) error {
	switch mode {
	case filemode.Symlink:
		return errLink
	case filemode.Submodule:
		return errSubmodule
	}
	return otherwise
}

// subtree is a commitTree from a folder on.
type subtree struct {
	tree *commitTree
	root plumbing.Hash
}

// Hash returns git's tree hash of a folder. It covers links and submodules in it, as git's hashes do.
func (s *subtree) Hash(folder string) (string, error) {
	entry, err := s.find("hash", folder)
	if err != nil {
		return "", err
	}
	if entry.Mode != filemode.Dir {
		err := refusal(entry.Mode, fmt.Errorf("is a file, not a folder: %w", fs.ErrNotExist))
		return "", &fs.PathError{Op: "hash", Path: folder, Err: err}
	}
	return entry.Hash.String(), nil
}

// Open opens a file or folder. Links, submodules and files that are too large are refused.
func (s *subtree) Open(name string) (fs.File, error) {
	entry, err := s.find("open", name)
	if err != nil {
		return nil, err
	}
	file, err := s.open(name, entry)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file, nil
}

func (s *subtree) find(op, name string) (object.TreeEntry, error) {
	if !fs.ValidPath(name) {
		return object.TreeEntry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	entry, err := s.tree.find(rootEntry(s.root), name)
	if err != nil {
		return entry, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return entry, nil
}

func (s *subtree) open(name string, entry object.TreeEntry) (fs.File, error) {
	about, err := s.tree.info(entry)
	if err != nil {
		return nil, err
	}
	about.name = path.Base(name)
	switch {
	case entry.Mode == filemode.Dir:
		return s.openFolder(name, about, entry.Hash)
	case !about.mode.IsRegular():
		return nil, refusal(entry.Mode, errSpecial)
	case about.size > s.tree.largest:
		return nil, fmt.Errorf("%w (%d bytes, of at most %d)", errBig, about.size, s.tree.largest)
	}
	data, err := readBlob(s.tree.store, entry.Hash)
	if err != nil {
		return nil, err
	}
	return &content{info: about, Reader: bytes.NewReader(data)}, nil
}

func (s *subtree) openFolder(name string, about info, hash plumbing.Hash) (fs.File, error) {
	entries, err := s.tree.entries(hash)
	if err != nil {
		return nil, err
	}
	listed := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		listed[i] = entryOf{s.tree, e}
	}
	return &folder{info: about, path: name, left: listed}, nil
}

// entryOf is an entry of a folder. The file itself is asked for only by Info: a partial clone may not have it.
type entryOf struct {
	tree  *commitTree
	entry object.TreeEntry
}

func (l entryOf) Name() string               { return l.entry.Name }
func (l entryOf) IsDir() bool                { return l.entry.Mode == filemode.Dir }
func (l entryOf) Type() fs.FileMode          { return mode(l.entry.Mode).Type() }
func (l entryOf) Info() (fs.FileInfo, error) { return l.tree.info(l.entry) }

func mode(of filemode.FileMode) fs.FileMode {
	switch of {
	case filemode.Dir:
		return fs.ModeDir | 0o555
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Submodule:
		return fs.ModeIrregular
	case filemode.Executable:
		return 0o555
	default:
		return 0o444
	}
}

// info describes an entry. The size of a file is known without reading it.
func (t *commitTree) info(entry object.TreeEntry) (info, error) {
	about := info{name: entry.Name, mode: mode(entry.Mode)}
	if !about.mode.IsRegular() {
		return about, nil
	}
	var err error
	if about.size, err = t.store.EncodedObjectSize(entry.Hash); err != nil {
		return info{}, fmt.Errorf("%s: %w", entry.Name, err)
	}
	return about, nil
}

func readBlob(store storer.EncodedObjectStorer, hash plumbing.Hash) ([]byte, error) {
	blob, err := object.GetBlob(store, hash)
	if err != nil {
		return nil, err
	}
	reader, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}
