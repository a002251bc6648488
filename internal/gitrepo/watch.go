package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-git/go-git/v5/plumbing"
)

// Watch calls poke once it watches, and then soon after each change of what Tip may answer: a commit, a switch of the branch, a reset,
// a pull. It may call without need. It returns when ctx ends, with its error, or with why the system cannot watch: then, and on
// file systems that tell nothing (some of networks and virtual machines), changes are seen only by those who ask.
func (c *Checkout) Watch(ctx context.Context, poke func()) error {
	return c.watched().run(ctx, poke)
}

func (c *Checkout) watched() branchWatch { return branchWatch{c.top, c.own, c.common, c.branch} }

// Watch is that of a repository on this machine, with a file URL: it is told of pushes as a Checkout of commits. Of any other it returns
// at once, without an error: there is nothing to watch.
func (r *Repo) Watch(ctx context.Context, poke func()) error {
	location, err := parseURL(r.options.URL)
	if err != nil || location.Scheme != "file" {
		return err
	}
	own, common, err := repositoryFolders(location.Path)
	if err != nil {
		return fmt.Errorf("watch %s: %w", location.Path, err)
	}
	branch := func(context.Context) (plumbing.ReferenceName, error) {
		_, err := os.Stat(filepath.Join(common, "refs")) // the repository may be made anew
		return r.branch, err
	}
	return branchWatch{location.Path, own, common, branch}.run(ctx, poke)
}

// repositoryFolders are those of git of a repository with or without a work tree, looked for where git looks for them.
func repositoryFolders(path string) (own, common string, err error) {
	for _, dir := range []string{filepath.Join(path, ".git"), path, path + ".git"} {
		if own, common, err = gitFolders(dir); err != nil {
			continue
		}
		if _, err = os.Stat(filepath.Join(common, "refs")); err == nil {
			return own, common, nil
		}
	}
	return "", "", err
}

// branchWatch is what may tell that a branch moves.
type branchWatch struct {
	name   string // for people
	own    string // git's folder with HEAD
	common string // git's folder with the branches
	// branch is the one that matters by now; none where HEAD is detached.
	branch func(ctx context.Context) (plumbing.ReferenceName, error)
}

func (w branchWatch) run(ctx context.Context, poke func()) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", w.name, err)
	}
	defer watcher.Close()
	for {
		retry, err := w.watchFolders(ctx, watcher)
		if err != nil {
			return fmt.Errorf("watch %s: %w", w.name, err)
		}
		poke() // after watching: what changed before that is seen by those who are poked
		if err := w.await(ctx, watcher, retry); err != nil {
			return err
		}
	}
}

// watchFolders watches all that there is of what may tell, also where it is watched already: a folder that was removed and made again
// is another one. Git removes empty folders of branches and makes them when it needs them. Where git finds no
// repository it has to be called again later.
func (w branchWatch) watchFolders(ctx context.Context, watcher *fsnotify.Watcher) (retry <-chan time.Time, err error) {
	folders := []string{w.own, w.common, filepath.Join(w.common, "refs"), filepath.Join(w.common, "refs", "heads")}
	for _, dir := range []string{w.own, w.common} {
		folders = append(folders, filepath.Join(dir, "reftable")) // where git keeps branches in tables
	}
	for _, dir := range folders {
		if err := add(watcher, dir); err != nil {
			return nil, err
		}
	}
	branch, err := w.branch(ctx)
	if err != nil {
		return time.After(time.Second), nil //nolint:nilerr // no repository, or not yet a whole one
	}
	for i, letter := range branch { // refs/heads/a of refs/heads/a/b
		if letter == '/' {
			if err := add(watcher, filepath.Join(w.common, branch.String()[:i])); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// add watches a folder, if there is one. Its parent is watched before, and tells when it is made.
func add(watcher *fsnotify.Watcher, dir string) error {
	if err := watcher.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// await returns after an event that may matter, or one too many.
func (w branchWatch) await(ctx context.Context, watcher *fsnotify.Watcher, retry <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-watcher.Events:
			if w.tells(event.Name) {
				return nil
			}
		case err := <-watcher.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				return nil // events were lost: one may have mattered
			}
			return fmt.Errorf("watch %s: %w", w.name, err)
		case <-retry:
			return nil
		}
	}
}

// tells whether a change of the file may be one of HEAD or of a branch. Lock files come and go with every git command; what matters is
// renamed from them.
func (w branchWatch) tells(name string) bool {
	dir, file := filepath.Split(name)
	dir = filepath.Clean(dir)
	if dir == w.own || dir == w.common {
		return slices.Contains([]string{"HEAD", "packed-refs", "refs", "reftable"}, file)
	}
	return !strings.HasSuffix(file, ".lock")
}
