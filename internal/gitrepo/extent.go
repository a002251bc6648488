package gitrepo

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// extent is how much lies below a folder.
type extent struct{ entries, depth int }

// surveyor adds up what lies below folders without decoding them, each distinct one once: a few trees that list each other stand for
// billions of files, and who walks them never comes to an end.
type surveyor struct {
	store  storer.EncodedObjectStorer
	limits limits
	known  map[plumbing.Hash]extent
}

// survey refuses a folder with more in it than the limits.
func (t *commitTree) survey(folder string, limits limits) error {
	entry, err := t.find(rootEntry(t.commit.TreeHash), folder)
	if err != nil {
		return err
	}
	s := &surveyor{t.store, limits, make(map[plumbing.Hash]extent)}
	if _, err := s.below(entry.Hash, 1); err != nil {
		return fmt.Errorf("folder of the specs in commit %.7s: %w", t.commit.Hash, err)
	}
	return nil
}

// below measures a folder that is so many deep. What is no tree, or is missing, is found out by who reads it.
func (s *surveyor) below(folder plumbing.Hash, level int) (extent, error) {
	known, ok := s.known[folder]
	if level+known.depth > s.limits.depth {
		return known, &limitError{fmt.Sprintf("its folders lie in each other more than %d deep", s.limits.depth), "flatten them"}
	}
	if ok {
		return known, nil
	}
	var all extent
	for rest := rawTree(s.store, folder); len(rest) > 0; {
		var inner plumbing.Hash
		var isFolder bool
		inner, isFolder, rest = cutEntry(rest)
		all.entries++
		if isFolder {
			child, err := s.below(inner, level+1)
			if err != nil {
				return all, err
			}
			all.entries += child.entries
			all.depth = max(all.depth, child.depth+1)
		}
		if all.entries > s.limits.entries {
			return all, &limitError{fmt.Sprintf("it holds more than %d files and folders", s.limits.entries),
				"keep data elsewhere, or name a smaller folder (--path)"}
		}
	}
	s.known[folder] = all
	return all, nil
}

// rawTree is a folder as git keeps it; nothing where there is none.
func rawTree(store storer.EncodedObjectStorer, folder plumbing.Hash) []byte {
	encoded, err := store.EncodedObject(plumbing.TreeObject, folder)
	if err != nil {
		return nil
	}
	reader, err := encoded.Reader()
	if err != nil {
		return nil
	}
	defer reader.Close()
	raw, _ := io.ReadAll(reader) // what can't be read is missing
	return raw
}

// cutEntry takes the first entry off: its mode, a blank, its name, a zero byte, its hash.
func cutEntry(raw []byte) (hash plumbing.Hash, isFolder bool, rest []byte) {
	head, after, _ := bytes.Cut(raw, []byte{0})
	text, _, _ := bytes.Cut(head, []byte{' '})
	mode, err := filemode.New(string(text)) // as go-git takes it: with any number of zeros in front
	n := copy(hash[:], after)
	return hash, err == nil && mode == filemode.Dir && n == len(hash), after[n:]
}
