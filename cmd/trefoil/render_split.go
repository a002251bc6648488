package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/trefoil-gitops/trefoil/render"
)

// mark is the first line of each file that --split writes. A file without it is somebody's.
const mark = "# Written by `trefoil render --split`, which overwrites and removes this file.\n"

// splitReport is what --split did, as -o json says it.
type splitReport struct {
	FormatVersion int      `json:"format_version"`
	Folder        string   `json:"folder"`
	Written       []string `json:"written"`
	Removed       []string `json:"removed"`
	Unchanged     int      `json:"unchanged"`
}

// split writes each object to a file of its own below the folder, and removes what it wrote earlier and that is rendered no more; not
// so where the objects are not all that there are. An interrupt is obeyed between files.
func (a *app) split(ctx context.Context, folder string, all []render.Object, whole bool) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	files, err := filesOf(all)
	if err != nil {
		return err
	}
	dir, err := openFolder(folder, true)
	if err != nil {
		return fmt.Errorf("--split: %w", err)
	}
	defer dir.Close()
	todo, err := unsplit(dir, files)
	if err != nil {
		return fmt.Errorf("--split %s: %w", folder, err)
	}
	report := splitReport{formatVersion, folder, []string{}, []string{}, len(files) - len(todo)}
	var old []string
	if whole {
		if old, err = stale(dir, files); err != nil {
			return fmt.Errorf("--split %s: %w", folder, err)
		}
	}
	err = report.carryOut(ctx, dir, files, todo, old)
	return errors.Join(err, a.printSplit(report))
}

// filesOf are the contents of the files by their paths.
func filesOf(all []render.Object) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, o := range all {
		file, err := fileOf(o)
		if err != nil {
			return nil, err
		}
		files[file] = append([]byte(mark), render.YAML(o)...)
	}
	return files, nil
}

// fileOf is a path that stays the same when a search or Workflow is followed by one of another digest. A model has at most one of
// each, and one SeldonDeployment in each environment.
func fileOf(o render.Object) (string, error) {
	name := kindOf(o.Ref.Kind)
	if o.Environment != "" {
		name += "-" + o.Environment
	}
	for _, part := range []string{o.Model, name} {
		if !filepath.IsLocal(part) || strings.ContainsAny(part, `/\:`) || strings.HasPrefix(part, ".") { // the schema has let none through
			return "", fmt.Errorf("--split: %q is no name for a file", part)
		}
	}
	return o.Model + "/" + name + ".yaml", nil
}

// unsplit are the files that are not there as they should be, sorted. The error names all that is somebody's.
func unsplit(dir *os.Root, files map[string][]byte) ([]string, error) {
	var todo, wrong []string
	for _, file := range slices.Sorted(maps.Keys(files)) {
		info, why, err := standing(dir, file)
		if err != nil {
			return nil, err
		}
		if why == "" && info != nil && !marked(dir, file) {
			why = file + " was not written by --split"
		}
		switch {
		case why != "":
			wrong = append(wrong, why)
		case info == nil || !holds(dir, file, info, files[file]):
			todo = append(todo, file)
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("nothing was written, for what is there already:\n  %s\nmove it away, or name another folder",
			strings.Join(slices.Compact(wrong), "\n  "))
	}
	return todo, nil
}

// marked reports whether the first line of a file says that it is ours, with the line ends of Windows too: the files may be committed.
func marked(dir *os.Root, file string) bool {
	f, err := dir.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, int64(len(mark))+1)).ReadString('\n')
	return err == nil && strings.TrimRight(line, "\r\n") == strings.TrimSuffix(mark, "\n")
}

func holds(dir *os.Root, file string, info fs.FileInfo, data []byte) bool {
	if info.Size() != int64(len(data)) {
		return false
	}
	old, err := dir.ReadFile(file)
	return err == nil && bytes.Equal(old, data)
}

// stale are the files of ours that are not among those that are rendered, sorted.
func stale(dir *os.Root, files map[string][]byte) ([]string, error) {
	there, err := fs.Glob(dir.FS(), "*/*.yaml")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(there, func(file string) bool {
		_, wanted := files[file]
		info, why, err := standing(dir, file)
		return wanted || err != nil || why != "" || info == nil || !marked(dir, file)
	}), nil
}

// carryOut writes and removes files, and notes what it did.
func (r *splitReport) carryOut(ctx context.Context, dir *os.Root, files map[string][]byte, todo, old []string) error {
	for _, file := range todo {
		if ctx.Err() != nil {
			return errors.New("interrupted: run it again for the rest")
		}
		if err := renew(dir, file, files[file]); err != nil {
			return err
		}
		r.Written = append(r.Written, file)
	}
	for _, file := range old {
		if ctx.Err() != nil {
			return errors.New("interrupted: run it again for the rest")
		}
		if err := dir.Remove(file); err != nil {
			return err
		}
		r.Removed = append(r.Removed, file)
		_ = dir.Remove(path.Dir(file)) // stays where something else is in it
	}
	return nil
}

func (a *app) printSplit(r splitReport) error {
	if printed, err := a.json(r); printed {
		return err
	}
	files := count(len(r.Written), "file")
	_, err := fmt.Fprintf(a.out, "%s: %s written, %d removed, %d unchanged\n", r.Folder, files, len(r.Removed), r.Unchanged)
	return err
}
