package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// obstacle is work of the person, not committed, where a file of ours has to go.
type obstacle struct{ text string }

// Error names the file and what to do.
func (o *obstacle) Error() string { return o.text }

// restore is an obstacle that a git command takes out of the way.
func (c *Checkout) restore(path, is, try string) error {
	return &obstacle{fmt.Sprintf("%s %s (git -C %s %s -- %s)", path, is, c.top, try, path)}
}

// underWay names what of several steps git is in the middle of, "" for nothing.
func (c *Checkout) underWay() string {
	for _, known := range []struct{ file, name string }{
		{"rebase-merge", "rebase"}, {"rebase-apply", "rebase"}, {"MERGE_HEAD", "merge"},
		{"CHERRY_PICK_HEAD", "cherry-pick"}, {"REVERT_HEAD", "revert"}, {"sequencer", "cherry-pick"},
	} {
		if _, err := os.Lstat(filepath.Join(c.own, known.file)); err == nil {
			return known.name
		}
	}
	return ""
}

// changed lists the files that differ between two commits.
func (c *Checkout) changed(ctx context.Context, from, to plan.Revision) ([]change, error) {
	out, err := output(c.git(ctx, "diff-tree", "-r", "-z", "--no-renames", string(from), string(to)))
	if err != nil {
		return nil, err
	}
	return parseChanges(string(out))
}

// parseChanges reads what git diff-tree -z prints: ":MODE MODE HASH HASH STATUS", NUL, path, NUL.
func parseChanges(text string) ([]change, error) {
	var all []change
	for text != "" {
		about, rest, _ := strings.Cut(text, "\x00")
		name, rest, whole := strings.Cut(rest, "\x00")
		fields := strings.Fields(strings.TrimPrefix(about, ":"))
		if !whole || len(fields) != 5 {
			return nil, fmt.Errorf("git diff-tree says %q, which is not understood", about)
		}
		was, err := parseEntry(fields[0], fields[2])
		is, err2 := parseEntry(fields[1], fields[3])
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		all, text = append(all, change{path: name, old: was, new: is}), rest
	}
	return all, nil
}

func parseEntry(mode, hash string) (object.TreeEntry, error) {
	parsed, err := filemode.New(mode)
	return object.TreeEntry{Mode: parsed, Hash: plumbing.NewHash(hash)}, err
}

// inIndex returns what git's index has at the paths of the changes; the zero entry stands for nothing.
func (c *Checkout) inIndex(ctx context.Context, changes []change) (map[string]object.TreeEntry, error) {
	args := []string{"ls-files", "--stage", "-z", "--"}
	for _, ch := range changes {
		args = append(args, ch.path)
	}
	found := make(map[string]object.TreeEntry)
	if len(changes) == 0 {
		return found, nil
	}
	out, err := run(c.git(ctx, args...))
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		if line == "" {
			continue
		}
		about, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(about)
		if len(fields) != 3 {
			return nil, fmt.Errorf("git ls-files says %q, which is not understood", line)
		}
		entry, err := parseEntry(fields[0], fields[1])
		if err != nil {
			return nil, err
		}
		if fields[2] != "0" { // of a merge: like no entry of a commit
			entry.Name = name
		}
		found[name] = entry
	}
	return found, nil
}

// updateIndex runs git update-index on a copy of the index, and puts that in its place. Git's lock is held.
func (l *landing) updateIndex(ctx context.Context, args ...string) error {
	data, err := os.ReadFile(l.index())
	if err != nil {
		return err
	}
	edited := l.file("index")
	_ = os.Remove(edited + ".lock") // of a git that was killed
	if err := os.WriteFile(edited, data, 0o666); err != nil {
		return err
	}
	update := l.git(ctx, append([]string{"update-index"}, args...)...)
	update.Env = append(update.Env, "GIT_INDEX_FILE="+edited)
	if _, err := run(update); err != nil {
		return err
	}
	return os.Rename(edited, l.index())
}

// pending tells whether a file of the work tree is still as the change found it; it may also be as the change has it already. All
// else is an obstacle.
func (c *Checkout) pending(ctx context.Context, ch change) (bool, error) {
	about, err := c.lstat(ch.path)
	none := object.TreeEntry{}
	switch {
	case err != nil:
		return false, err
	case about == nil && ch.old == none:
		return true, nil
	case about == nil:
		return false, c.restore(ch.path, "is not in the work tree: commit that, or bring it back", "restore")
	}
	raw, err := hashFile(c.path(ch.path), about.Size())
	if err != nil {
		return false, err
	}
	entry := object.TreeEntry{Mode: c.mode(about, ch.new.Mode), Hash: raw}
	if entry != ch.new && entry != ch.old {
		// As git would commit it: line endings and other filters are taken back.
		clean, err := run(c.git(ctx, "hash-object", "--path="+ch.path, "--", ch.path))
		if err != nil {
			return false, err
		}
		entry.Hash = plumbing.NewHash(clean)
	}
	switch {
	case entry == ch.new || entry == ch.old:
		return entry == ch.old, nil
	case ch.old == none:
		return false, &obstacle{ch.path + " is there and was never committed: commit it, or move it away"}
	}
	return false, c.restore(ch.path, "is edited and not committed: commit it, or take the edit back", "restore")
}

func (c *Checkout) path(name string) string { return filepath.Join(c.top, filepath.FromSlash(name)) }

// mode is that of a file in git. Where executable bits mean nothing it is the one that is expected.
func (c *Checkout) mode(about fs.FileInfo, expected filemode.FileMode) filemode.FileMode {
	switch {
	case !c.fileMode:
		return expected
	case about.Mode()&0o100 != 0:
		return filemode.Executable
	}
	return filemode.Regular
}

// lstat looks at a file of the work tree, nil where there is none. It follows no links: a link, or a folder for a file or the other
// way round, is an obstacle.
func (c *Checkout) lstat(name string) (fs.FileInfo, error) {
	for end := range len(name) + 1 {
		if end < len(name) && name[end] != '/' {
			continue
		}
		about, err := os.Lstat(c.path(name[:end]))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, err
		case end == len(name) && about.Mode().IsRegular():
			return about, nil
		case end == len(name) || !about.IsDir():
			return nil, &obstacle{fmt.Sprintf("%s %s: move it away, Trefoil has to write %s", name[:end], describe(about.Mode()), name)}
		}
	}
	return nil, nil
}

func describe(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return errIsFolder.Error()
	case mode&fs.ModeSymlink != 0:
		return "is a symbolic link"
	case mode.IsRegular():
		return "is a file"
	}
	return errSpecial.Error()
}

// unfinished is where a file is written before it gets its name.
func unfinished(name string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".trefoil")
}

// put writes a file with the mode that git would give it, all at once.
func put(name string, data []byte, mode filemode.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	permissions := fs.FileMode(0o666)
	if mode == filemode.Executable {
		permissions = 0o777
	}
	if err := os.Remove(unfinished(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(unfinished(name), data, permissions); err != nil {
		return err
	}
	return os.Rename(unfinished(name), name)
}
