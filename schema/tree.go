package schema

import "io/fs"

// Tree is the content of one revision of a spec repository, or of a work tree as it is on disk.
//
// Paths are slash-separated and relative to the root. Symbolic links and submodules are not part of a Tree; its
// implementations refuse them with an error that names the path.
type Tree interface {
	fs.FS
	// Hash returns git's tree hash of a folder, 40 hexadecimal digits: the same for the same tracked content in a commit and
	// in a work tree. The error wraps fs.ErrNotExist where there is no such folder.
	Hash(folder string) (string, error)
}
