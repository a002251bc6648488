package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watch calls poke once it watches, and then soon after each change of what Tip may answer: a commit, a switch of the branch, a reset,
// a pull. It may call without need. It returns when ctx ends, with its error, or with why the system cannot watch: then, and on
// file systems that tell nothing (some of networks and virtual machines), changes are seen only by those who ask.
func (c *Checkout) Watch(ctx context.Context, poke func()) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", c.top, err)
	}
	defer watcher.Close()
	for {
		retry, err := c.watchFolders(ctx, watcher)
		if err != nil {
			return fmt.Errorf("watch %s: %w", c.top, err)
		}
		poke() // after watching: what changed before that is seen by those who are poked
		if err := c.await(ctx, watcher, retry); err != nil {
			return err
		}
	}
}

// watchFolders watches all that there is of what may tell, also where it is watched already: a folder that was removed and made again
// is another one. Git removes empty folders of branches and makes them when it needs them. Where git finds no
// repository it has to be called again later.
func (c *Checkout) watchFolders(ctx context.Context, watcher *fsnotify.Watcher) (retry <-chan time.Time, err error) {
	folders := []string{c.own, c.common, filepath.Join(c.common, "refs"), filepath.Join(c.common, "refs", "heads")}
	for _, dir := range []string{c.own, c.common} {
		folders = append(folders, filepath.Join(dir, "reftable")) // where git keeps branches in tables
	}
	for _, dir := range folders {
		if err := add(watcher, dir); err != nil {
			return nil, err
		}
	}
	branch, err := c.branch(ctx)
	if err != nil {
		return time.After(time.Second), nil //nolint:nilerr // no repository, or not yet a whole one
	}
	for i, letter := range branch { // refs/heads/a of refs/heads/a/b
		if letter == '/' {
			if err := add(watcher, filepath.Join(c.common, branch.String()[:i])); err != nil {
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
func (c *Checkout) await(ctx context.Context, watcher *fsnotify.Watcher, retry <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-watcher.Events:
			if c.tells(event.Name) {
				return nil
			}
		case err := <-watcher.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				return nil // events were lost: one may have mattered
			}
			return fmt.Errorf("watch %s: %w", c.top, err)
		case <-retry:
			return nil
		}
	}
}

// tells whether a change of the file may be one of HEAD or of a branch. Lock files come and go with every git command; what matters is
// renamed from them.
func (c *Checkout) tells(name string) bool {
	dir, file := filepath.Split(name)
	dir = filepath.Clean(dir)
	if dir == c.own || dir == c.common {
		return slices.Contains([]string{"HEAD", "packed-refs", "refs", "reftable"}, file)
	}
	return !strings.HasSuffix(file, ".lock")
}
