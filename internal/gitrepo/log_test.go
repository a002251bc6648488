package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// said is a log as its revisions, with "…" for what is older.
func said(log Log) string {
	var all []string
	for _, c := range log.Commits {
		all = append(all, string(c.Revision))
	}
	if log.Older {
		all = append(all, "…")
	}
	return strings.Join(all, "\n")
}

// merged is a server whose branch has five commits of its own, one of them a merge of two others.
func merged(t *testing.T) *server {
	s := serve(t, specs())
	work := s.clone(t)
	for i := range 2 {
		write(t, work, map[string]string{"models.cue": fmt.Sprintf("package models\n// %d\n", i)})
		s.publish(t, work, fmt.Sprint(i))
	}
	runGit(t, work, "checkout", "-q", "-b", "side")
	for i := range 2 {
		write(t, work, map[string]string{"train/side.py": fmt.Sprint(i)})
		runGit(t, work, "add", "-A")
		runGit(t, work, "commit", "-q", "-m", "side")
	}
	runGit(t, work, "checkout", "-q", "main")
	runGit(t, work, "merge", "-q", "--no-ff", "-m", "merge", "side")
	write(t, work, map[string]string{"models.cue": "package models\n// last\n"})
	s.publish(t, work, "last")
	return s
}

func TestLog(t *testing.T) {
	s := merged(t)
	all := strings.Fields(runGit(t, s.dir, "rev-list", "--first-parent", "main"))
	if len(all) != 5 {
		t.Fatalf("%d commits", len(all))
	}
	work := s.clone(t)
	for most := 1; most <= 7; most++ {
		want := append([]string{}, all[:min(most, len(all))]...)
		if most < len(all) {
			want = append(want, "…")
		}
		for _, url := range []string{s.url, "file://" + s.dir} {
			log, err := open(t, options(url)).Log(aMinute(t), most)
			if diff := cmp.Diff(strings.Join(want, "\n"), said(log)); err != nil || diff != "" {
				t.Errorf("%s, %d commits: %v (-want +got):\n%s", url, most, err, diff)
			}
		}
		log, err := ReadLog(filepath.Join(work, "train"), most)
		if diff := cmp.Diff(strings.Join(want, "\n"), said(log)); err != nil || diff != "" {
			t.Errorf("folder, %d commits: %v (-want +got):\n%s", most, err, diff)
		}
		for _, c := range log.Commits {
			want := runGit(t, s.dir, "rev-parse", string(c.Revision)+":train")
			if got, err := c.Tree.Hash("."); err != nil || got != want {
				t.Errorf("%s: the tree is %s, %v; want %s", c.Revision.Short(), got, err, want)
			}
			if c.Author != "Ada" || c.Date.UTC().Format("2006-01-02T15:04Z") != "2026-01-02T03:04Z" {
				t.Errorf("%s is %s's, of %s", c.Revision.Short(), c.Author, c.Date)
			}
		}
	}
}

func TestLogOfShallowClone(t *testing.T) {
	s := merged(t)
	work := filepath.Join(t.TempDir(), "shallow")
	runGit(t, s.dir, "clone", "-q", "--depth", "2", "file://"+s.dir, work)
	want := runGit(t, s.dir, "rev-list", "--first-parent", "-n", "2", "main") + "\n…"
	for _, most := range []int{2, 100} {
		log, err := ReadLog(work, most)
		if err != nil || said(log) != want {
			t.Errorf("%d commits are\n%s, %v; want\n%s", most, said(log), err, want)
		}
	}
	log, err := open(t, options("file://"+work)).Log(aMinute(t), 100)
	if err != nil || said(log) != want {
		t.Errorf("by way of a server it is\n%s, %v; want\n%s", said(log), err, want)
	}
}

// A clone may borrow its objects from another one, and a second work tree has no repository of its own.
func TestLogOfBorrowedObjects(t *testing.T) {
	s := merged(t)
	want := runGit(t, s.dir, "rev-list", "--first-parent", "main")
	work, second := filepath.Join(t.TempDir(), "shared"), filepath.Join(t.TempDir(), "second")
	runGit(t, s.dir, "clone", "-q", "--shared", s.dir, work)
	runGit(t, work, "worktree", "add", "-q", "--detach", second)
	for _, dir := range []string{work, second} {
		log, err := ReadLog(dir, 100)
		if err != nil || said(log) != want {
			t.Fatalf("%s, %v; want\n%s", said(log), err, want)
		}
		for _, c := range log.Commits {
			if err := fstest.TestFS(c.Tree, "models.cue", "train/lib/a.py"); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestI7LogWithinLimits: a long history is an error, not all memory.
func TestI7LogWithinLimits(t *testing.T) {
	s := merged(t)
	repo := open(t, options(s.url))
	repo.limits.objects = 10
	if _, err := repo.Log(aMinute(t), 100); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("Log = %v; want that it is too large", err)
	}
}

func TestLogWithoutFolder(t *testing.T) {
	s := merged(t)
	o := options(s.url)
	o.Path = "train/side.py"
	log, err := open(t, o).Log(aMinute(t), 100)
	if err != nil || len(log.Commits) != 5 {
		t.Fatalf("%d commits, %v", len(log.Commits), err)
	}
	for _, c := range log.Commits {
		if _, err := fs.ReadDir(c.Tree, "."); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s has a file or nothing there, and its folder says %v", c.Revision.Short(), err)
		}
	}
}

func TestReadLogOfNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadLog(dir, 9); err == nil || !strings.Contains(err.Error(), "in no git repository") {
		t.Errorf("no repository: %v", err)
	}
	runGit(t, dir, "init", "-q")
	if _, err := ReadLog(dir, 9); err == nil || !strings.Contains(err.Error(), "nothing was committed") {
		t.Errorf("no commit: %v", err)
	}
	if _, err := ReadLog(filepath.Join(dir, "nowhere"), 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
