package gitrepo

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"time"
)

// errLink and errSubmodule refuse what would make the content of a spec repository depend on something else.
var (
	errLink      = errors.New("is a symbolic link, which is not followed: put the file itself there")
	errSubmodule = errors.New("is a submodule, which is not read: put the files themselves there")
	errSpecial   = errors.New("is neither a file nor a folder")
	errBig       = errors.New("is too large for a spec repository")
	errIsFolder  = errors.New("is a folder")
)

// info describes a file or folder. Git keeps no time of change, so there is none.
type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) Mode() fs.FileMode          { return i.mode }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.mode.IsDir() }
func (i info) Sys() any                   { return nil }
func (i info) Type() fs.FileMode          { return i.mode.Type() }
func (i info) Info() (fs.FileInfo, error) { return i, nil }
func (i info) String() string             { return fs.FormatDirEntry(i) }

// content is an open file.
type content struct {
	info
	*bytes.Reader
}

func (c *content) Stat() (fs.FileInfo, error) { return c.info, nil }
func (c *content) Close() error               { return nil }
func (c *content) Size() int64                { return c.info.size }

// folder is an open folder.
type folder struct {
	info
	path string
	left []fs.DirEntry
}

func (f *folder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *folder) Close() error               { return nil }

// Read fails as for any folder.
func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.path, Err: errIsFolder}
}

// ReadDir returns the next n entries, or all that are left where n is not positive.
func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.left)
	} else if len(f.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.left))
	next := f.left[:n:n]
	f.left = f.left[n:]
	return next, nil
}
