package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitindex "github.com/go-git/go-git/v5/plumbing/format/index"
	"golang.org/x/sys/unix"
)

// index is what git knows about a work tree: which files are tracked, and what is ignored.
type index struct {
	top      string    // absolute path of the work tree's root
	tracked  *node     // nil where nothing is, as outside of a repository
	written  time.Time // when the index was; a file that changed later than that may differ from it
	ignored  ignores   // rules of the user and of the repository's own settings
	fileMode bool      // whether executable bits on disk mean anything
	twoTimes bool      // whether the time that nobody can set does
	rest     *rest     // of what hashing meets; nil where nobody asks
}

// node is a tracked path: a folder with children, or a file with its entry.
type node struct {
	children map[string]*node
	entry    *gitindex.Entry
}

// child is nil where nothing of that name is tracked.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	return n.children[name]
}

// file is nil for a folder, and for what is not tracked.
func (n *node) file() *gitindex.Entry {
	if n == nil {
		return nil
	}
	return n.entry
}

func (n *node) add(entry *gitindex.Entry) {
	for part := range strings.SplitSeq(entry.Name, "/") {
		next := n.children[part]
		if next == nil {
			next = &node{}
			if n.children == nil {
				n.children = make(map[string]*node)
			}
			n.children[part] = next
		}
		n = next
	}
	n.entry = entry
}

// readIndex finds the repository that dir lies in. Outside of one, everything in dir counts.
//
// It opens git's files itself: go-git's PlainOpen refuses repositories with settings that do not matter here, such as those of
// sparse and partial clones, which are what CI systems check out.
func readIndex(dir string) (*index, error) {
	top, err := findTop(dir)
	if err != nil {
		return nil, err
	}
	if top == "" {
		return &index{top: dir, fileMode: true}, nil
	}
	found := &index{top: top, tracked: &node{}}
	own, common, err := gitFolders(filepath.Join(top, ".git"))
	if err != nil {
		return nil, err
	}
	if err := found.readTracked(filepath.Join(own, "index")); err != nil {
		return nil, fmt.Errorf("read git's index: %w", err)
	}
	return found, found.readSettings(common)
}

// findTop goes up from dir to the first folder that holds .git; "" where none does.
func findTop(dir string) (string, error) {
	for {
		_, err := os.Lstat(filepath.Join(dir, ".git"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

// gitFolders returns the folder with the index and the one with the settings. They differ in a second work tree of a repository,
// where .git is a file that names the first of them.
func gitFolders(dotGit string) (own, common string, err error) {
	own = dotGit
	if about, err := os.Stat(dotGit); err != nil || !about.IsDir() {
		if own, err = readPath(dotGit, "gitdir: "); err != nil {
			return "", "", err
		}
	}
	common, err = readPath(filepath.Join(own, "commondir"), "")
	if errors.Is(err, fs.ErrNotExist) {
		return own, own, nil
	}
	return own, common, err
}

// readPath reads a path from a file, relative to the folder that the file is in.
func readPath(file, prefix string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	named, ok := strings.CutPrefix(strings.TrimSpace(string(text)), prefix)
	if !ok || named == "" {
		return "", fmt.Errorf("%s does not name a folder of git", file)
	}
	if filepath.IsAbs(named) {
		return named, nil
	}
	return filepath.Join(filepath.Dir(file), named), nil
}

func (x *index) readTracked(name string) error {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever added
	}
	if err != nil {
		return err
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return err
	}
	x.written = about.ModTime()
	var entries gitindex.Index
	if err := gitindex.NewDecoder(file).Decode(&entries); err != nil {
		return err
	}
	for _, entry := range entries.Entries {
		x.tracked.add(entry)
	}
	return nil
}

// unchanged tells whether git itself would take the file for what the index says without reading it: same size, same time, and
// changed before the index was written. The other time that git looks at is that of a file's attributes too: a file that git converted
// would count as edited for it wherever a work tree was copied. See again.
func (x *index) unchanged(entry *gitindex.Entry, about fs.FileInfo) bool {
	return entry != nil && entry.Stage == 0 && !entry.IntentToAdd && !entry.ModifiedAt.IsZero() &&
		entry.Size == uint32(about.Size()) && entry.ModifiedAt.Equal(about.ModTime()) && about.ModTime().Before(x.written)
}

// touched is when a file, its name or its attributes were changed last, as the file system has it; zero where it can't be told.
func touched(path string) time.Time {
	var about unix.Stat_t
	if unix.Lstat(path, &about) != nil {
		return time.Time{}
	}
	return time.Unix(about.Ctim.Unix())
}

// mode is that of a regular file in git.
func (x *index) mode(entry *gitindex.Entry, about fs.FileInfo) filemode.FileMode {
	switch {
	case x.fileMode && about.Mode()&0o100 != 0:
		return filemode.Executable
	case !x.fileMode && entry != nil:
		return entry.Mode
	}
	return filemode.Regular
}
