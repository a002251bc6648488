package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Worktree returns the folder dir of this machine as a tree, with its files as they are on disk, committed or not. The folder
// .git is no part of it; symbolic links and special files cannot be opened.
//
// Hash answers what git would after `git add -A`: files that are tracked or not ignored count, by content, name and executable
// bit. Outside of a git repository all files count. What is tracked is read once, now; the files are read when asked for.
//
// A file that git would convert on its way into the repository (line endings, Git LFS and other filters) counts as the index
// has it while it is unchanged since it was checked out. Once edited, it counts as it is on disk, because filters are
// programs that this one does not run: then the hash can differ from the one that the commit will have.
func Worktree(dir string) (schema.Tree, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("work tree: %w", err)
	}
	if about, err := os.Stat(dir); err != nil || !about.IsDir() {
		return nil, fmt.Errorf("work tree: %s is not a folder", dir)
	}
	index, err := readIndex(dir)
	if err != nil {
		return nil, fmt.Errorf("work tree %s: %w", dir, err)
	}
	return &worktree{dir: dir, files: os.DirFS(dir), index: index}, nil
}

type worktree struct {
	dir   string // absolute, without links
	files fs.FS
	index *index
}

// Open opens a file or folder.
func (w *worktree) Open(name string) (fs.File, error) {
	about, err := w.walk("open", name)
	if err != nil {
		return nil, err
	}
	if about.IsDir() {
		return w.openFolder(name)
	}
	if most := defaultLimits().file; about.Size() > most {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w (%d bytes, of at most %d)", errBig, about.Size(), most)}
	}
	data, err := fs.ReadFile(w.files, name)
	if err != nil {
		return nil, err
	}
	seen := info{name: path.Base(name), size: int64(len(data)), mode: about.Mode()}
	return &content{info: seen, Reader: bytes.NewReader(data)}, nil
}

// walk looks at each part of a path in turn, so that no link is followed.
func (w *worktree) walk(op, name string) (fs.FileInfo, error) {
	fail := func(err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return nil, fail(fs.ErrInvalid)
	}
	var about fs.FileInfo
	at := w.dir
	for part := range strings.SplitSeq(name, "/") {
		at = filepath.Join(at, part)
		var err error
		if about, err = os.Lstat(at); err != nil || part == ".git" {
			return nil, fail(fs.ErrNotExist)
		}
		if err := unreadable(about.Mode()); err != nil {
			return nil, fail(err)
		}
	}
	return about, nil
}

func unreadable(mode fs.FileMode) error {
	switch {
	case mode&fs.ModeSymlink != 0:
		return errLink
	case !mode.IsDir() && !mode.IsRegular():
		return errSpecial
	}
	return nil
}

func (w *worktree) openFolder(name string) (fs.File, error) {
	entries, err := fs.ReadDir(w.files, name)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".git" })
	listed := make([]fs.DirEntry, 0, len(entries))
	for _, e := range entries {
		about, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		listed = append(listed, withoutTime(about, e.Name()))
	}
	about, err := fs.Stat(w.files, name)
	if err != nil {
		return nil, err
	}
	return &folder{info: withoutTime(about, path.Base(name)), path: name, left: listed}, nil
}

// withoutTime forgets what a commit would not know either, and the size of a folder, which means nothing.
func withoutTime(about fs.FileInfo, name string) info {
	seen := info{name: name, mode: about.Mode()}
	if about.Mode().IsRegular() {
		seen.size = about.Size()
	}
	return seen
}

// Hash returns git's tree hash of a folder, as Worktree says.
func (w *worktree) Hash(folder string) (string, error) {
	about, err := w.walk("hash", folder)
	if err != nil {
		return "", err
	}
	if !about.IsDir() {
		return "", &fs.PathError{Op: "hash", Path: folder, Err: fmt.Errorf("is a file, not a folder: %w", fs.ErrNotExist)}
	}
	hash, err := w.index.hashFolder(filepath.Join(w.dir, filepath.FromSlash(folder)))
	if err == nil && hash.IsZero() {
		err = fmt.Errorf("holds no files that git would commit: %w", fs.ErrNotExist)
	}
	if err != nil {
		return "", &fs.PathError{Op: "hash", Path: folder, Err: err}
	}
	return hash.String(), nil
}
