package gitrepo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"

	gitindex "github.com/go-git/go-git/v5/plumbing/format/index"
)

// Key tells this content from any other.
func (s *subtree) Key() (string, error) { return s.root.String(), nil }

// Key tells this state of the folder from every other one in which a file reads or a folder hashes in another way. What git takes
// for unchanged without reading it is not read either; what git ignores counts by size and times, as in git's own index. The error
// says that this can't be told: a file could not be read, or too much is ignored.
//
// A filter of git's that keeps the size of a file, and is another one in another work tree, is not noticed between the two.
func (w *worktree) Key() (string, error) {
	x := *w.index
	x.rest = &rest{sum: sha256.New()}
	tree, err := x.hashFolder(w.dir)
	if err != nil {
		return "", fmt.Errorf("state of %s: %w", w.dir, err)
	}
	return tree.String() + "-" + hex.EncodeToString(x.rest.sum.Sum(nil)), nil
}

// rest is what a tree hash does not cover: what is on disk and no part of it, and how large that is which git may have converted.
type rest struct {
	sum   hash.Hash
	count int
}

var errMuch = errors.New("git ignores too much here")

func (r *rest) file(name, path string, about fs.FileInfo) {
	if r != nil {
		fmt.Fprintf(r.sum, "%q %s %d %d %d\n", name, about.Mode(), about.Size(), about.ModTime().UnixNano(), touched(path).UnixNano())
	}
}

func (r *rest) size(name string, about fs.FileInfo) {
	if r != nil {
		fmt.Fprintf(r.sum, "%q %d\n", name, about.Size())
	}
}

func (r *rest) absent(name string) {
	if r != nil {
		fmt.Fprintf(r.sum, "%q\n", name)
	}
}

// again counts what a file holds that looks unchanged by the time that can be set back, and not by the one that can't. The hash of a
// folder does without: a file that git converted has another content on disk either way.
func (x *index) again(known *gitindex.Entry, path string, about fs.FileInfo) error {
	if x.rest == nil || !x.twoTimes || known.CreatedAt.Equal(touched(path)) {
		return nil
	}
	content, err := hashFile(path, about.Size())
	fmt.Fprintf(x.rest.sum, "%s\n", content)
	return err
}

// folder counts all that is in a folder.
func (r *rest) folder(path, name string) error {
	if r == nil {
		return nil
	}
	const most = 10_000
	return filepath.WalkDir(path, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		about, err := e.Info()
		if r.count++; r.count > most {
			return errMuch
		}
		if err == nil {
			r.file(name+at[len(path):], at, about)
		}
		return err
	})
}
