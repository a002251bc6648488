package gitrepo

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestCloneUnknown are names that stand for nothing, and what the person is told.
func TestCloneUnknown(t *testing.T) {
	_, work := forked(t)
	runGit(t, work, "branch", "users/ada/mnist")
	blob := runGit(t, work, "rev-parse", "HEAD:models.cue")
	has := `is no branch, tag or commit of this clone (it has: `
	for name, want := range map[string]string{
		"":                                `"" ` + has + `"feature", "main", "users/ada/mnist", "origin/feature", "origin/main", and 1 more)`,
		"mnist":                           `"mnist" is no branch, tag or commit of this clone (did you mean "users/ada/mnist"?)`,
		"mian":                            `"mian" is no branch, tag or commit of this clone (did you mean "main"?)`,
		"trunk":                           `): if the remote has it, git fetch origin trunk:refs/remotes/origin/trunk`,
		"origin/x":                        `git fetch origin x:refs/remotes/origin/x`,
		"-x":                              has,
		"a;b":                             `and 1 more)`,
		"\x1b[31m":                        `"\x1b[31m" ` + has,
		"config":                          has,
		"description":                     has,
		"../HEAD":                         `write a branch, a tag or a commit`,
		"main...HEAD":                     `write a branch, a tag or a commit`,
		"main:train":                      `write a branch, a tag or a commit`,
		"HEAD@{1}":                        `write a branch, a tag or a commit`,
		":/a":                             `write a branch, a tag or a commit`,
		"HEAD~x":                          `"HEAD~x": write a branch, a tag or a commit`,
		"HEAD^{tree}":                     `write a branch, a tag or a commit`,
		"HEAD~99":                         `"HEAD~99": there is no such commit before it`,
		"HEAD^3":                          `"HEAD^3": there is no such commit before it`,
		"HEAD~99999999999999999999999999": `write a branch, a tag or a commit`,
		"0123456789abcdef0123456789abcdef01234567": has,
		"0123456": has,
		blob:      "it is a blob, not a commit",
		blob[:8]:  has,
	} {
		if _, err := cloned(t, work).Point(name); !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", name, err, want)
		}
	}
}

// TestCloneUnborn is a repository before its first commit.
func TestCloneUnborn(t *testing.T) {
	dir := t.TempDir()
	runGit(t, dir, "init", "-q")
	for _, name := range []string{"HEAD", "@~1", "main"} {
		if _, err := cloned(t, dir).Point(name); !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "nothing was committed yet") {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir = person(t, specs())
	runGit(t, dir, "checkout", "-q", "--orphan", "other")
	_, err := cloned(t, dir).Point("HEAD")
	if !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "on the branch that is checked out") {
		t.Errorf("a branch without a commit: %v", err)
	}
}

// TestCloneAmbiguous is a hash that was written too short.
func TestCloneAmbiguous(t *testing.T) {
	dir := person(t, specs())
	seen := map[string]bool{}
	tree, parent := runGit(t, dir, "rev-parse", "HEAD^{tree}"), runGit(t, dir, "rev-parse", "HEAD")
	for i := 0; ; i++ {
		hash := runGit(t, dir, "commit-tree", tree, "-p", parent, "-m", fmt.Sprint(i))[:4]
		if seen[hash] {
			_, err := cloned(t, dir).Point(hash)
			if !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "the beginning of several commits") {
				t.Errorf("%s: %v", hash, err)
			}
			return
		}
		seen[hash] = true
	}
}

// TestCloneShallow is the clone that CI makes unless it is told otherwise. What the error says to type helps.
func TestCloneShallow(t *testing.T) {
	s, _ := forked(t)
	dir := filepath.Join(t.TempDir(), "shallow")
	runGit(t, s.dir, "clone", "-q", "--depth=1", "--branch=feature", "file://"+s.dir, dir)
	c := cloned(t, dir)
	_, err := c.Point("main")
	if !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "fetch-depth: 0") || !strings.Contains(err.Error(), "GIT_DEPTH: 0") {
		t.Fatalf("the base of a shallow clone: %v", err)
	}
	if _, err := c.Point("HEAD~1"); !errors.Is(err, ErrNoRevision) || !strings.Contains(err.Error(), "fetch-depth: 0") {
		t.Errorf("the commit before: %v", err)
	}
	if _, ok := c.Before(point(t, c, "HEAD")); ok {
		t.Error("there is something before the cut")
	}
	runGit(t, dir, "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
	c = cloned(t, dir)
	main, head := point(t, c, "main"), point(t, c, "HEAD")
	if _, err := c.Fork(main, head); !errors.Is(err, ErrUnrelated) || !strings.Contains(err.Error(), "fetch-depth: 0") {
		t.Errorf("the fork in a shallow clone: %v", err)
	}
	if all, err := c.Between(main, head); !errors.Is(err, ErrUnrelated) {
		t.Errorf("nobody knows what is between, but for %q, %v", all, err)
	}
	runGit(t, dir, "update-ref", "-d", "refs/remotes/origin/main")
	_, command, _ := strings.Cut(err.Error(), "or git ")
	runGit(t, dir, append(strings.Fields(command), "-q")...)
	c = cloned(t, dir)
	if _, err := c.Fork(point(t, c, "main"), point(t, c, "HEAD")); err != nil {
		t.Errorf("after git %s: %v", command, err)
	}
}

// FuzzClonePoint is that no name does more than stand for a commit or be refused.
func FuzzClonePoint(f *testing.F) {
	dir := f.TempDir()
	runGit(f, dir, "init", "-q", "-b", "main")
	write(f, dir, specs())
	runGit(f, dir, "add", "-A")
	runGit(f, dir, "commit", "-q", "-m", "begin")
	for _, name := range []string{"main", "HEAD~1^2", "@", "HEAD^{commit}~", "refs/heads/../../config", "~", "\x00", "%s", "ffff", "origin/"} {
		f.Add(name)
	}
	c, err := OpenClone(dir)
	if err != nil {
		f.Fatal(err)
	}
	head := runGit(f, dir, "rev-parse", "HEAD")
	f.Fuzz(func(t *testing.T, name string) {
		p, err := c.Point(name)
		switch {
		case err == nil && string(p.Revision) != head:
			t.Errorf("%q is %s", name, p.Revision)
		case err != nil && (!errors.Is(err, ErrNoRevision) || strings.ContainsAny(err.Error(), "\x1b\n\r")):
			t.Errorf("%q: %q", name, err)
		}
	})
}
