package schema

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// source looks a folder up in the tree. What people can mend is a finding; the error says that the tree can't be read.
func (l *loader) source(r rawSource, at ...string) (Source, error) {
	s := Source{Path: r.Path, Git: r.Git}
	if s.Path == "" {
		return s, nil
	}
	at = append(at, "path")
	if s.Path != "." && !cleanRelative(s.Path) {
		l.report(codePath, `a folder of this repository, relative to its root, such as "train"`, at,
			"source %q is not a relative, clean path", s.Path)
		return s, nil
	}
	spec, err := specBelow(l.tree, s.Path)
	if err != nil {
		return Source{}, err
	}
	if spec != "" {
		l.report(codeSpecIn, "every commit of the daemon would change it: move the code into a folder of its own", at,
			"source %q holds the spec file %s", s.Path, spec)
		return s, nil
	}
	hash, err := l.tree.Hash(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		l.report(codeFolder, "folders are relative to the root of the repository, and empty ones don't exist for git", at,
			"there is no folder %q", s.Path)
		return s, nil
	}
	s.Tree = hash
	return s, err
}

// specBelow returns a spec file in a folder: those of the root and of selected/.
func specBelow(tree fs.FS, folder string) (string, error) {
	for _, place := range []string{".", selectedFolder} {
		if folder != "." && folder != place && !strings.HasPrefix(place, folder+"/") {
			continue
		}
		names, err := specNames(tree, place)
		if err != nil {
			return "", err
		}
		if len(names) > 0 {
			return names[0], nil
		}
	}
	if folder == selectedFolder {
		return path.Join(selectedFolder, "*.cue"), nil
	}
	return "", nil
}
