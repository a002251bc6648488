package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// The states of a file that is to be written.
const (
	written  = "written"
	unneeded = "equal"
	inTheWay = "in the way"
)

// placed is what became of a file, as -o json says it. Why is for people: what is in the way.
type placed struct {
	Path  string `json:"path"`
	State string `json:"state"`
	Why   string `json:"why,omitempty"`
}

// place writes the files that are not there, unless one is in the way of another.
func place(dir *os.Root, files map[string][]byte) ([]placed, error) {
	var report []placed
	for _, file := range slices.Sorted(maps.Keys(files)) {
		p, err := look(dir, file, files[file])
		if err != nil {
			return nil, err
		}
		report = append(report, p)
	}
	if len(in(report, inTheWay)) > 0 {
		return slices.DeleteFunc(report, func(p placed) bool { return p.State == written }), nil
	}
	for _, p := range in(report, written) {
		if err := create(dir, p.Path, files[p.Path]); err != nil {
			return nil, fmt.Errorf("%w; mend that and run it again, what is written already stays", err)
		}
	}
	return report, nil
}

// in are the files in a state.
func in(report []placed, state string) []placed {
	return slices.DeleteFunc(slices.Clone(report), func(p placed) bool { return p.State != state })
}

// look says what has to become of a file, without touching anything: written only where nothing is.
func look(dir *os.Root, file string, data []byte) (placed, error) {
	info, why, err := standing(dir, file)
	switch {
	case err != nil:
		return placed{}, err
	case why != "":
		return placed{file, inTheWay, why}, nil
	case info == nil:
		return placed{Path: file, State: written}, nil
	case info.Size() != int64(len(data)): // what is large is not read
		return placed{file, inTheWay, file + " differs"}, nil
	}
	old, err := dir.ReadFile(file)
	if err != nil || bytes.Equal(old, data) {
		return placed{Path: file, State: unneeded}, err
	}
	return placed{file, inTheWay, file + " differs"}, nil
}

// standing is the file that is there, nil where nothing is, or why none can be. Symbolic links are not followed.
func standing(dir *os.Root, file string) (info fs.FileInfo, why string, err error) {
	parts := strings.Split(file, "/")
	for i := range parts {
		at := strings.Join(parts[:i+1], "/")
		info, err = dir.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil
		}
		if err != nil {
			return nil, "", err
		}
		if why := unlike(info, at != file); why != "" {
			return nil, at + " is " + why, nil
		}
	}
	return info, "", nil
}

// unlike says what is there where it is not a folder, or not a file; "" where it is.
func unlike(info fs.FileInfo, folder bool) string {
	kind := "plain file"
	if folder {
		kind = "folder"
	}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir() && !folder:
		return "a folder"
	case !mode.IsDir() && folder, !mode.IsRegular() && !folder:
		return "no " + kind
	}
	return ""
}

// create writes a file where none is, with its folders. What was not written to the end is taken away.
func create(dir *os.Root, file string, data []byte) error {
	if err := dir.MkdirAll(path.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := dir.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, dir.Remove(file))
	}
	return nil
}

// renew writes a file in the place of another, which stays as it is unless all of it is written.
func renew(dir *os.Root, file string, data []byte) error {
	next := path.Join(path.Dir(file), "."+path.Base(file)+".new")
	if err := dir.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := create(dir, next, data); err != nil {
		return err
	}
	if err := dir.Rename(next, file); err != nil {
		return errors.Join(err, dir.Remove(next))
	}
	return nil
}

// openFolder opens a folder, which is made where there is none and that is wanted.
func openFolder(name string, wanted bool) (*os.Root, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("%s is a file: name a folder", name)
	case errors.Is(err, fs.ErrNotExist) && wanted:
		err = os.MkdirAll(name, 0o755)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%s is no folder: name the one that holds the specs: %w", name, err)
	}
	if err != nil {
		return nil, err
	}
	return os.OpenRoot(name)
}
