package gitrepo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestWorktreeHash compares with the real git, for each archive in testdata/worktree. Files of an archive are put into an empty
// repository in its order; these names are commands instead:
//
//	git      runs git with these arguments, one call a line (before what follows it in the archive)
//	link     makes symbolic links, NAME TARGET a line
//	remove   removes these paths
//
// A name that ends in "*" is executable. Then the hash of each folder must be what `git add -A && git write-tree` says.
func TestWorktreeHash(t *testing.T) {
	isolate(t)
	archives, err := filepath.Glob("testdata/worktree/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := build(t, archive)
			tree, err := Worktree(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := hashes(t, tree, dir)
			runGit(t, dir, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
			for folder, hash := range got {
				if want := writeTree(t, dir, folder); hash != want {
					t.Errorf("Hash(%s) = %q; git says %q:\n%s", folder, hash, want, runGit(t, dir, "ls-files", "-s"))
				}
			}
			runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "all")
			after, err := Worktree(dir)
			if err != nil {
				t.Fatal(err)
			}
			for folder, hash := range hashes(t, after, dir) {
				if hash != got[folder] {
					t.Errorf("Hash(%s) = %q before the commit, %q after", folder, got[folder], hash)
				}
			}
		})
	}
}

// build makes a repository from an archive.
func build(t *testing.T, archive *txtar.Archive) string {
	dir := t.TempDir()
	runGit(t, dir, "init", "-q", "-b", "main")
	for _, file := range archive.Files {
		lines := strings.Split(strings.TrimSpace(string(file.Data)), "\n")
		switch file.Name {
		case "git":
			for _, line := range lines {
				runGit(t, dir, strings.Fields(line)...)
			}
		case "link":
			for _, line := range lines {
				name, target, _ := strings.Cut(line, " ")
				if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		case "remove":
			for _, line := range lines {
				if err := os.RemoveAll(filepath.Join(dir, line)); err != nil {
					t.Fatal(err)
				}
			}
		default:
			write(t, dir, map[string]string{file.Name: string(file.Data)})
		}
	}
	return dir
}

// hashes returns the hash of every folder on disk, "" for one that git would not commit.
func hashes(t *testing.T, tree interface{ Hash(string) (string, error) }, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if e.Name() == ".git" {
			return fs.SkipDir
		}
		if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil && path != dir {
			return fs.SkipDir
		}
		folder, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		hash, err := tree.Hash(filepath.ToSlash(folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		found[filepath.ToSlash(folder)] = hash
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// writeTree asks git for the hash of a folder in its index, "" where there is none.
func writeTree(t *testing.T, dir, folder string) string {
	t.Helper()
	if folder == "." {
		return runGit(t, dir, "write-tree")
	}
	if runGit(t, dir, "ls-files", "--", ":(literal)"+folder+"/") == "" {
		return ""
	}
	return runGit(t, dir, "write-tree", "--prefix="+folder+"/")
}

// isolate hides the settings of whoever runs the tests.
func isolate(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
}

func TestWorktreeIgnoredByPerson(t *testing.T) {
	isolate(t)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	runGit(t, dir, "init", "-q")
	write(t, dir, map[string]string{"train/run.py": "1", "train/.DS_Store": "x"})
	write(t, home, map[string]string{".config/git/ignore": ".DS_Store\n"})
	for _, test := range []struct{ name, settings string }{
		{"default file", ""},
		{"named file", "[core]\n\texcludesFile = ~/.mine\n"},
	} {
		if test.settings != "" {
			write(t, home, map[string]string{".gitconfig": test.settings, ".mine": "*.DS_S*\n", ".config/git/ignore": ""})
		}
		tree, err := Worktree(dir)
		if err != nil {
			t.Fatal(err)
		}
		other, err := Worktree(filepath.Join(dir, "train"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := tree.Hash("train")
		same, err2 := other.Hash(".")
		runGit(t, dir, "add", "train/run.py")
		want := runGit(t, dir, "write-tree", "--prefix=train/")
		runGit(t, dir, "rm", "-q", "--cached", "train/run.py")
		if err != nil || err2 != nil || got != want || same != want {
			t.Errorf("%s: Hash = %q, %v and %q, %v; want %q", test.name, got, err, same, err2, want)
		}
	}
}

// A file that git converts counts as committed until somebody edits it.
func TestWorktreeFilters(t *testing.T) {
	isolate(t)
	s := serve(t, map[string]string{".gitattributes": "*.txt text eol=crlf\n", "train/a.txt": "a\nb\n"})
	work := s.clone(t)
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(work, "train/a.txt"), past, past); err != nil {
		t.Fatal(err)
	}
	runGit(t, work, "update-index", "--refresh")
	if text, err := os.ReadFile(filepath.Join(work, "train/a.txt")); err != nil || string(text) != "a\r\nb\r\n" {
		t.Fatalf("git did not convert the file: %q, %v", text, err)
	}
	tree, err := Worktree(work)
	if err != nil {
		t.Fatal(err)
	}
	committed := runGit(t, work, "rev-parse", "main:train")
	if got, err := tree.Hash("train"); err != nil || got != committed {
		t.Errorf("Hash = %q, %v; want that of the commit, %s", got, err, committed)
	}
	touchLater(t, filepath.Join(work, "train/a.txt"))
	if got, err := tree.Hash("train"); err != nil || got != committed {
		t.Errorf("Hash of what was copied or linked = %q, %v; want that of the commit, %s", got, err, committed)
	}
	write(t, work, map[string]string{"train/a.txt": "b\r\na\r\n"}) // as long as before
	for _, when := range []time.Time{time.Now(), past.Add(-time.Minute)} {
		if err := os.Chtimes(filepath.Join(work, "train/a.txt"), when, when); err != nil {
			t.Fatal(err)
		}
		if got, err := tree.Hash("train"); err != nil || got == committed {
			t.Errorf("Hash after an edit at %v = %q, %v", when, got, err)
		}
	}
}

// touchLater changes nothing of a file but the time that can't be set, as a backup or a container's volume does.
func touchLater(t *testing.T, path string) {
	t.Helper()
	for before := touched(path); touched(path).Equal(before); {
		about, err := os.Lstat(path)
		if err == nil {
			err = os.Chmod(path, about.Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A file that changed in the instant in which the index was written looks unchanged. Git knows the case, and so must we.
func TestWorktreeRacyFile(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	runGit(t, dir, "init", "-q")
	instant := time.Now().Add(-time.Hour).Truncate(time.Second)
	set := func(name string) {
		t.Helper()
		if err := os.Chtimes(filepath.Join(dir, name), instant, instant); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, map[string]string{"a": "old"})
	set("a")
	runGit(t, dir, "add", "a")
	write(t, dir, map[string]string{"a": "new"})
	set("a")
	set(".git/index")
	tree, err := Worktree(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tree.Hash(".")
	runGit(t, dir, "add", "-A")
	if want := runGit(t, dir, "write-tree"); err != nil || got != want {
		t.Errorf("Hash = %q, %v; want %q", got, err, want)
	}
}

func TestWorktreeFiles(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	runGit(t, dir, "init", "-q")
	write(t, dir, specs())
	tree, err := Worktree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "models.cue", "selected/mnist.cue", "train/run.py", "train/lib/a.py"); err != nil {
		t.Error(err)
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "etc")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("models.cue", filepath.Join(dir, "link.cue")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"etc": errLink, "etc/passwd": errLink, "link.cue": errLink, ".git": fs.ErrNotExist, ".git/config": fs.ErrNotExist,
		"none": fs.ErrNotExist, "models.cue/x": fs.ErrNotExist, "../x": fs.ErrInvalid, "/etc/passwd": fs.ErrInvalid,
	} {
		if _, err := tree.Open(name); !errors.Is(err, want) {
			t.Errorf("Open(%s) = %v; want %v", name, err, want)
		}
		if _, err := tree.Hash(name); !errors.Is(err, want) {
			t.Errorf("Hash(%s) = %v; want %v", name, err, want)
		}
	}
	for _, dir := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "models.cue")} {
		if _, err := Worktree(dir); err == nil {
			t.Errorf("Worktree(%s) is no error", dir)
		}
	}
}

func TestWorktreeWithoutGit(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	write(t, dir, map[string]string{"train/a": "a", "train/.gitignore": "a\n", "train/b*": "b"})
	tree, err := Worktree(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tree.Hash("train")
	runGit(t, dir, "init", "-q")
	runGit(t, dir, "add", "-f", "train/a", "train/.gitignore", "train/b")
	if want := writeTree(t, dir, "train"); err != nil || got != want {
		t.Errorf("Hash = %q, %v; want %q", got, err, want)
	}
}

func TestHead(t *testing.T) {
	isolate(t)
	s := serve(t, specs())
	work := s.clone(t)
	second := filepath.Join(t.TempDir(), "second")
	runGit(t, work, "worktree", "add", "-q", "--detach", second)
	runGit(t, work, "sparse-checkout", "set", "train")
	for _, dir := range []string{work, filepath.Join(work, "train"), second} {
		if got := Head(dir); got != s.tip(t) {
			t.Errorf("Head(%s) = %q; want %q", dir, got, s.tip(t))
		}
		tree, err := Worktree(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tree.Hash("."); err != nil {
			t.Error(err)
		}
	}
	empty := t.TempDir()
	if got := Head(empty); got != "" {
		t.Errorf("Head outside of a repository = %q", got)
	}
	runGit(t, empty, "init", "-q")
	if got := Head(empty); got != "" {
		t.Errorf("Head of a repository without commits = %q", got)
	}
}

func TestPrefix(t *testing.T) {
	isolate(t)
	work := serve(t, specs()).clone(t)
	deep := filepath.Join(work, "a", "b c")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(deep, link); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "second")
	runGit(t, work, "worktree", "add", "-q", "--detach", second)
	for dir, want := range map[string]string{
		work: "", deep: "a/b c", link: "a/b c", second: "", filepath.Join(second, "train"): "train", t.TempDir(): "", filepath.Join(work, "absent"): "",
	} {
		if got := Prefix(dir); got != want {
			t.Errorf("Prefix(%s) = %q; want %q", dir, got, want)
		}
	}
}
