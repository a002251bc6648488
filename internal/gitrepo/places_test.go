package gitrepo

import (
	"path/filepath"
	"strings"
	"testing"
)

// made is a repository in a folder of another one.
func made(args ...string) func(t *testing.T, dir string) string {
	return func(t *testing.T, dir string) string {
		runGit(t, dir, append(args, "made")...)
		return filepath.Join(dir, "made")
	}
}

// TestCheckoutBroken are places that are no checkout, and what the person is told to do.
func TestCheckoutBroken(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(t *testing.T, dir string) string
		want  string
	}{
		"nothing":     {func(t *testing.T, _ string) string { return t.TempDir() }, "git init"},
		"nowhere":     {func(_ *testing.T, dir string) string { return dir + "x" }, "no such file or directory"},
		"git's own":   {func(_ *testing.T, dir string) string { return filepath.Join(dir, ".git") }, "bare repository"},
		"bare":        {made("clone", "-q", "--bare", "."), "git clone"},
		"sha256":      {made("init", "-q", "--object-format=sha256"), "only sha1"},
		"unborn":      {made("init", "-q"), "no commit yet"},
		"detached":    {func(t *testing.T, dir string) string { runGit(t, dir, "switch", "-q", "--detach"); return dir }, "git switch BRANCH"},
		"in a rebase": {inRebase, "a rebase is under way"},
	} {
		t.Run(name, func(t *testing.T) {
			source, err := OpenCheckout(aMinute(t), c.begin(t, person(t, specs())), "Trefoil", "trefoil@example.com")
			if err == nil {
				_, err = source.Tip(aMinute(t))
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := OpenCheckout(aMinute(t), person(t, specs()), "Tre<foil", "trefoil@example.com"); err == nil {
		t.Error("an author was taken that git would not take")
	}
}

func inRebase(t *testing.T, dir string) string {
	runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "more")
	if tryGit(dir, "rebase", "-q", "--exec", "false", "HEAD~1") == nil {
		t.Fatal("the rebase is not stopped")
	}
	return dir
}

// TestCheckoutPlaces are the ways in which a work tree and its repository can lie.
func TestCheckoutPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		place func(t *testing.T, dir string) string // where the specs are
		want  string                                // of the file
	}{
		"linked work tree": {func(t *testing.T, dir string) string {
			runGit(t, dir, "worktree", "add", "-q", "-b", "other", dir+" 2")
			return dir + " 2"
		}, release},
		"folder": {func(t *testing.T, dir string) string {
			write(t, dir, map[string]string{"ü/sp ecs/models.cue": "package models\n"})
			commitAll(t, dir, "folder")
			return filepath.Join(dir, "ü", "sp ecs")
		}, release},
		"git's folder elsewhere": {func(t *testing.T, dir string) string {
			runGit(t, dir, "init", "-q", "--separate-git-dir", dir+".git")
			return dir
		}, release},
		"shallow clone": {func(t *testing.T, dir string) string {
			runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "more")
			runGit(t, dir, "clone", "-q", "--depth", "1", "file://"+dir, dir+"2")
			return dir + "2"
		}, release},
		"borrowed objects": {func(t *testing.T, dir string) string {
			runGit(t, dir, "clone", "-q", "--shared", dir, dir+"2")
			return dir + "2"
		}, release},
		"line endings": {func(t *testing.T, dir string) string {
			runGit(t, dir, "config", "core.autocrlf", "true")
			runGit(t, dir, "rm", "-q", "--cached", "-r", ".")
			runGit(t, dir, "reset", "-q", "--hard")
			return dir
		}, strings.ReplaceAll(release, "\n", "\r\n")},
		"sparse": {func(t *testing.T, dir string) string {
			runGit(t, dir, "rm", "-q", "selected/mnist.cue")
			runGit(t, dir, "commit", "-q", "-m", "none yet")
			runGit(t, dir, "sparse-checkout", "set", "--sparse-index", "train")
			return dir
		}, release},
	} {
		t.Run(name, func(t *testing.T) {
			dir := c.place(t, person(t, specs()))
			source := checkout(t, dir)
			base := tipOf(t, source)
			tree, err := source.Fetch(aMinute(t), base)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tree.Open("models.cue"); err != nil {
				t.Error(err)
			}
			if _, err := source.Commit(aMinute(t), base, selection("mnist", release)); err != nil {
				t.Fatal(err)
			}
			landed(t, dir, "selected/mnist.cue", c.want)
			if status := runGit(t, dir, "status", "--porcelain"); status != "" {
				t.Errorf("status:\n%s", status)
			}
		})
	}
}

// TestCheckoutHooks is that no hook of the person runs.
func TestCheckoutHooks(t *testing.T) {
	dir := person(t, specs())
	hooks := map[string]string{}
	for name := range strings.FieldsSeq("pre-commit commit-msg post-commit reference-transaction post-index-change post-checkout update") {
		hooks[".git/hooks/"+name+"*"] = "#!/bin/sh\ntouch ran-$(basename $0)\nexit 1\n"
	}
	write(t, dir, hooks)
	c := checkout(t, dir)
	if _, err := c.Commit(aMinute(t), tipOf(t, c), selection("mnist", release)); err != nil {
		t.Fatal(err)
	}
	if ran, _ := filepath.Glob(filepath.Join(dir, "ran-*")); len(ran) > 0 {
		t.Errorf("ran: %q", ran)
	}
}
