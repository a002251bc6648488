package ci

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var revision = regexp.MustCompile(`\([0-9a-f]{7}\)`)

// shell runs a line as somebody types it in the folder, and returns what is then to be read, without the numbers of commits.
func shell(t *testing.T, dir, line string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(built)+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+t.TempDir())
	out, _ := cmd.CombinedOutput() // how it ends is part of what it prints
	return revision.ReplaceAllString(string(out), "()")
}

// TestPage runs the transcript of docs/pull-requests.md: each line that begins with a dollar, in a clone where a change is checked out.
func TestPage(t *testing.T) {
	t.Parallel()
	page := revision.ReplaceAllString(read("../docs/pull-requests.md"), "()")
	_, rest, found := strings.Cut(page, "```console\n")
	transcript, _, closed := strings.Cut(rest, "```")
	commands := strings.Split(transcript, "$ ")[1:]
	if !found || !closed || len(commands) < 4 {
		t.Fatalf("the page has the commands %q", commands)
	}
	dir := released(t)
	for _, c := range commands {
		command, want, _ := strings.Cut(c, "\n")
		if got := shell(t, dir, command); got != want {
			t.Errorf("$ %s\nprints\n%s\nand the page says\n%s", command, got, want)
		}
	}
	git(t, dir, "update-ref", "refs/remotes/origin/main", "main")
	comment := shell(t, dir, "trefoil plan --base origin/main --head HEAD -o markdown")
	shown := strings.Split(page, "\n> ")[1:]
	for _, line := range shown {
		line, _, _ = strings.Cut(line, "\n")
		if !strings.Contains(comment, line+"\n") {
			t.Errorf("the comment has no line %s:\n%s", line, comment)
		}
	}
	if len(shown) != 6 {
		t.Errorf("the page shows %d lines of a comment", len(shown))
	}
}

// released is the repository of testdata/released.txtar with its change on a branch, checked out.
func released(t *testing.T) string {
	t.Helper()
	files, err := txtar.ParseFile("testdata/released.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	git(t, dir, "init", "-q", "--initial-branch=main")
	commit := func(message string, changed bool) {
		for _, f := range files.Files {
			name, isChange := strings.CutPrefix(f.Name, "change/")
			if isChange != changed {
				continue
			}
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, dir, name, string(f.Data))
		}
		git(t, dir, "add", ".")
		git(t, dir, "commit", "-q", "-m", message)
	}
	commit("models: what is released", false)
	git(t, dir, "checkout", "-q", "-b", "change")
	commit("mnist: a wider range", true)
	return dir
}
