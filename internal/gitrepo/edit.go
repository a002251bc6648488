package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"
)

// ours is the folder below the specs' root that the daemon writes, one file a model. Nothing else is ever written.
const ours = "selected"

// checkPath refuses every path that is not selected/NAME.cue.
func checkPath(name string) error {
	dir, file := path.Split(name)
	model, isCUE := strings.CutSuffix(file, ".cue")
	switch {
	case !fs.ValidPath(name) || dir != ours+"/" || !isCUE || model == "":
	case strings.HasPrefix(file, ".") || strings.ContainsRune(file, '\\') || strings.ContainsFunc(file, unicode.IsControl):
	default:
		return nil
	}
	return fmt.Errorf("refused to write %q: only %s/NAME.cue is Trefoil's to write", name, ours)
}

// draft is a commit in the making: objects that the server does not have yet, over those of a base.
type draft struct {
	layered
	made []plumbing.Hash
}

func newDraft(base storer.EncodedObjectStorer) *draft {
	return &draft{layered: layered{memory.NewStorage(), base}}
}

// add keeps a new object; one that the base has already is not sent again.
func (d *draft) add(encoded plumbing.EncodedObject) (plumbing.Hash, error) {
	hash := encoded.Hash()
	if d.base.HasEncodedObject(hash) == nil || d.HasEncodedObject(hash) == nil {
		return hash, nil
	}
	d.made = append(d.made, hash)
	return d.SetEncodedObject(encoded)
}

func (d *draft) addBlob(data []byte) (plumbing.Hash, error) {
	blob := new(plumbing.MemoryObject)
	blob.SetType(plumbing.BlobObject)
	_, _ = blob.Write(data) // never fails
	return d.add(blob)
}

// write returns the tree that has the files in the folder at root/dir, and everything else as it is below root.
func (d *draft) write(root plumbing.Hash, dir string, files map[string][]byte) (plumbing.Hash, error) {
	if dir == "." {
		return d.writeFiles(root, files)
	}
	first, rest, _ := strings.Cut(dir, "/")
	if rest == "" {
		rest = "."
	}
	tree, err := d.tree(root)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	child := plumbing.ZeroHash
	if i := indexOf(tree, first); i >= 0 {
		if tree.Entries[i].Mode != filemode.Dir {
			return plumbing.ZeroHash, fmt.Errorf("%s %w", first, refusal(tree.Entries[i].Mode, errors.New("is a file where a folder is needed")))
		}
		child = tree.Entries[i].Hash
	}
	if child, err = d.write(child, rest, files); err != nil {
		return plumbing.ZeroHash, err
	}
	return d.put(tree, map[string]object.TreeEntry{first: {Name: first, Mode: filemode.Dir, Hash: child}})
}

// writeFiles puts files, by their names, into the folder with this hash.
func (d *draft) writeFiles(folder plumbing.Hash, files map[string][]byte) (plumbing.Hash, error) {
	tree, err := d.tree(folder)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	entries := make(map[string]object.TreeEntry, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := filemode.Regular
		if i := indexOf(tree, name); i >= 0 {
			mode = tree.Entries[i].Mode
		}
		if !mode.IsFile() || mode == filemode.Symlink {
			return plumbing.ZeroHash, fmt.Errorf("%s %w", name, refusal(mode, errIsFolder))
		}
		hash, err := d.addBlob(files[name])
		if err != nil {
			return plumbing.ZeroHash, err
		}
		entries[name] = object.TreeEntry{Name: name, Mode: mode, Hash: hash}
	}
	return d.put(tree, entries)
}

// tree decodes a folder that is about to be edited; no hash stands for a folder that does not exist. A tree that would not be
// encoded to the same bytes again is refused, because writing it would change entries that are not ours.
func (d *draft) tree(hash plumbing.Hash) (*object.Tree, error) {
	if hash.IsZero() {
		return new(object.Tree), nil
	}
	tree, err := object.GetTree(d, hash)
	if err != nil {
		return nil, fmt.Errorf("tree %.7s: %w", hash, err)
	}
	again := new(plumbing.MemoryObject)
	if err := tree.Encode(again); err != nil || again.Hash() != hash {
		return nil, fmt.Errorf("tree %.7s is not written the way git writes trees: repair it with git first (git fsck)", hash)
	}
	return tree, nil
}

// put encodes a folder with some entries added or replaced.
func (d *draft) put(tree *object.Tree, entries map[string]object.TreeEntry) (plumbing.Hash, error) {
	edited := &object.Tree{Entries: slices.Clone(tree.Entries)}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if i := indexOf(edited, name); i >= 0 {
			edited.Entries[i] = entries[name]
		} else {
			edited.Entries = append(edited.Entries, entries[name])
		}
	}
	sort.Sort(object.TreeEntrySorter(edited.Entries))
	encoded := new(plumbing.MemoryObject)
	if err := edited.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return d.add(encoded)
}

func indexOf(tree *object.Tree, name string) int {
	return slices.IndexFunc(tree.Entries, func(e object.TreeEntry) bool { return e.Name == name })
}
