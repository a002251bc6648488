package gitrepo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWorktreeKey: whatever of a work tree can be read in another way than before gives it another key.
func TestWorktreeKey(t *testing.T) {
	t.Parallel()
	put := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { write(t, dir, map[string]string{name: text}) }
	}
	git := func(args ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { runGit(t, dir, args...) }
	}
	old := time.Unix(1_700_000_000, 0)
	for _, test := range []struct {
		name   string
		change func(*testing.T, string)
		same   bool
	}{
		{"nothing", func(*testing.T, string) {}, true},
		{"committed", git("commit", "-q", "--allow-empty", "-m", "more"), true},
		{"touched", func(t *testing.T, dir string) {
			if err := os.Chtimes(filepath.Join(dir, "models.cue"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"another file of the same size", put("models.cue", "package other_\n"), false},
		{"another file of the same size and time", func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"models.cue": "package other_\n"})
			if err := os.Chtimes(filepath.Join(dir, "models.cue"), old, old); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"removed", func(t *testing.T, dir string) { remove(t, dir, "models.cue") }, false},
		{"new", put("more.cue", ""), false},
		{"in a folder", put("train/run.py", "2"), false},
		{"a new folder that git would commit", put("serve/main.py", "1"), false},
		{"executable", func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "train/run.py"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"ignored", put("local.cue", "package models\n"), false},
		{"ignored, edited", put("old.log.cue", "2"), false},
		{"in an ignored folder", put("venv/lib/models.cue", "package models\n"), false},
		{"in an ignored folder, edited", put("venv/there.cue", "2"), false},
		{"in a repository of its own", put("nested/inner.cue", "2"), false},
		{"what is ignored", put(".gitignore", "*.log.cue\nlocal.cue\nvenv\ntrain\n"), false},
		{"what is ignored by this clone alone", put(".git/info/exclude", "untracked\n"), false},
		{"a link", func(t *testing.T, dir string) { link(t, dir, "models.cue", "link.cue") }, false},
		{"a link that leads elsewhere", func(t *testing.T, dir string) {
			remove(t, dir, "there.cue")
			link(t, dir, "train/run.py", "there.cue")
		}, false},
		{"converted", func(t *testing.T, dir string) { // on the way out, which the index takes for the same
			write(t, dir, map[string]string{".git/info/attributes": "models.cue text eol=crlf\n"})
			remove(t, dir, "models.cue")
			runGit(t, dir, "checkout", "models.cue")
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			runGit(t, dir, "init", "-q")
			write(t, dir, map[string]string{"models.cue": "package models\n", "train/run.py": "1", ".gitignore": "*.log.cue\nlocal.cue\nvenv\n"})
			link(t, dir, "models.cue", "there.cue")
			if err := os.Chtimes(filepath.Join(dir, "models.cue"), old, old); err != nil {
				t.Fatal(err)
			}
			commitAll(t, dir, "all")
			write(t, dir, map[string]string{"old.log.cue": "1", "venv/there.cue": "1", "untracked/file": "1", "nested/inner.cue": "1"})
			runGit(t, filepath.Join(dir, "nested"), "init", "-q")
			commitAll(t, filepath.Join(dir, "nested"), "of its own")
			before := keyOf(t, dir)
			test.change(t, dir)
			if after := keyOf(t, dir); (before == after) != test.same {
				t.Errorf("%s, then %s", before, after)
			}
		})
	}
}

// TestWorktreeKeyTrusts: the time that can't be set back counts unless git's settings say that it means nothing here.
func TestWorktreeKeyTrusts(t *testing.T) {
	isolate(t)
	old := time.Unix(1_700_000_000, 0)
	for _, test := range []struct {
		settings, ofPerson string
		same               bool
	}{
		{"", "", false},
		{"\ttrustctime = true\n", "", false},
		{"\ttrustctime = off\n", "", true},
		{"", "[core]\n\ttrustctime = False\n", true},
		{"\ttrustctime = true\n", "[core]\n\ttrustctime = false\n", false},
		{"\tcheckStat = minimal\n", "", true},
	} {
		dir := t.TempDir()
		runGit(t, dir, "init", "-q")
		write(t, os.Getenv("HOME"), map[string]string{".gitconfig": test.ofPerson})
		write(t, dir, map[string]string{"models.cue": "package models\n"})
		set := func() {
			if err := os.Chtimes(filepath.Join(dir, "models.cue"), old, old); err != nil {
				t.Fatal(err)
			}
		}
		set()
		commitAll(t, dir, "all")
		write(t, dir, map[string]string{".git/config": "[core]\n\trepositoryformatversion = 0\n" + test.settings})
		before := keyOf(t, dir)
		write(t, dir, map[string]string{"models.cue": "package other_\n"})
		touchLater(t, filepath.Join(dir, "models.cue"))
		set()
		if after := keyOf(t, dir); (before == after) != test.same {
			t.Errorf("%+v: %s, then %s", test, before, after)
		}
	}
}

// TestWorktreeKeyTooMuch: a folder of a million files that nobody commits costs nobody the time to look at them all.
func TestWorktreeKeyTooMuch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runGit(t, dir, "init", "-q")
	files := map[string]string{".gitignore": "venv\n"}
	for i := range 10_001 {
		files["venv/"+strings.Repeat("x", i%100)+"/"+strings.Repeat("y", i/100+1)] = ""
	}
	write(t, dir, files)
	tree, err := Worktree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := tree.(*worktree).Key(); err == nil {
		t.Errorf("the key is %s", key)
	}
}

func keyOf(t *testing.T, dir string) string {
	t.Helper()
	tree, err := Worktree(dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := tree.(*worktree).Key()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, dir, to, name string) {
	t.Helper()
	if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
