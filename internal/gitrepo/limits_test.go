package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// force makes a commit of entries, as `git update-index --index-info` takes them, on top of the branch. The real git makes all objects, also
// of names that no work tree can hold.
func (s *server) force(t *testing.T, entries []string) plan.Revision {
	t.Helper()
	index := filepath.Join(t.TempDir(), "index")
	in := func(stdin string, args ...string) string {
		t.Helper()
		command := gitOf(s.dir, args...)
		command.Env = append(command.Env, "GIT_INDEX_FILE="+index)
		command.Stdin = strings.NewReader(stdin)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	in("", "read-tree", "main")
	in(strings.Join(entries, "\x00")+"\x00", "update-index", "-z", "--index-info")
	commit := in("", "commit-tree", "-m", "many", "-p", "main", in("", "write-tree"))
	runGit(t, s.dir, "update-ref", "refs/heads/main", commit)
	return plan.Revision(commit)
}

// Row 15, I3: a repository that is as large and as odd as people make them is read and written, and nothing else in it changes.
func TestFault15ManyFiles(t *testing.T) {
	s := serve(t, specs())
	blob := runGit(t, s.dir, "rev-parse", "main:models.cue")
	odd := []string{
		strings.Repeat("deep/", 60) + "file", "Twin.cue", "twin.cue", "TWIN.cue", "twin.cue.d/x", "sp ace/q\"uote", "line\nbreak", "back\\slash",
		"latin-\xe9.cue", "selected/latin-\xe9.cue", "\xff", "e\u0301/nfd", "\u00e9/nfc", strings.Repeat("long", 60), "-option", ".gitmodules", "CON.cue", "a:b",
	}
	entries := make([]string, 0, 100_000+len(odd))
	for _, name := range odd {
		entries = append(entries, "100644 "+blob+"\t"+name)
	}
	for i := range 100_000 {
		entries = append(entries, fmt.Sprintf("100644 %s\tdata/%03d/%d", blob, i%100, i))
	}
	base := s.force(t, entries)
	repo := open(t, options(s.url))
	tree, err := repo.Fetch(aMinute(t), base)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range odd {
		text, err := fs.ReadFile(tree, name)
		if fs.ValidPath(name) && (err != nil || string(text) != "package models\n") {
			t.Errorf("%q: %q, %v", name, text, err)
		}
		if !fs.ValidPath(name) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v; want that it is invalid", name, err)
		}
	}
	if listed, err := fs.ReadDir(tree, "data/007"); err != nil || len(listed) != 1000 {
		t.Errorf("a folder lists %d, %v", len(listed), err)
	}
	got, err := repo.Commit(aMinute(t), base, selection("fraud", "x"))
	if err != nil {
		t.Fatal(err)
	}
	if changed := runGit(t, s.dir, "diff-tree", "-r", "--name-status", string(base), string(got)); changed != "A\tselected/fraud.cue" {
		t.Errorf("I3: changed are %s", changed)
	}
}

// Row 15, I7: what is beyond the limits is refused in words, as fast as what is within, also where a few objects stand for billions of files.
func TestFault15Limits(t *testing.T) {
	s := serve(t, specs())
	first := s.tip(t)
	blob := runGit(t, s.dir, "rev-parse", "main:models.cue")
	tests := []struct {
		name    string
		entries []string
		change  func(*limits)
		want    string
	}{
		{"files", []string{"a", "b", "c/d"}, func(l *limits) { l.entries = 9 }, "it holds more than 9 files and folders: keep data elsewhere, or name a smaller folder (--path)"},
		{"folders", []string{strings.Repeat("d/", 100) + "x"}, func(*limits) {}, "its folders lie in each other more than 100 deep: flatten them"},
		{"within", []string{strings.Repeat("d/", 99) + "x"}, func(*limits) {}, ""},
	}
	for _, test := range tests {
		runGit(t, s.dir, "update-ref", "refs/heads/main", string(first))
		for i, name := range test.entries {
			test.entries[i] = "100644 " + blob + "\t" + name
		}
		tip := s.force(t, test.entries)
		repo := open(t, options(s.url))
		test.change(&repo.limits)
		_, err := repo.Fetch(aMinute(t), tip)
		if (err == nil) != (test.want == "") || (err != nil && (!strings.HasSuffix(err.Error(), test.want) || !errors.Is(err, errTooLarge))) {
			t.Errorf("%s: Fetch = %v; want %q", test.name, err, test.want)
		}
	}
	tip := s.bomb(t, 50)
	if _, err := open(t, options(s.url)).Fetch(aMinute(t), tip); err == nil || !strings.Contains(err.Error(), "more than 500000 files and folders") {
		t.Errorf("Fetch of a bomb = %v", err)
	}
	o := options(s.url)
	o.Path = "selected"
	if _, err := open(t, o).Fetch(aMinute(t), tip); err != nil {
		t.Errorf("what lies beside the folder of the specs was counted: %v", err)
	}
}

// bomb commits a folder whose ten entries are the same folder, and so on, so many deep.
func (s *server) bomb(t *testing.T, deep int) plan.Revision {
	t.Helper()
	tree := runGit(t, s.dir, "rev-parse", "main:selected")
	for range deep {
		lines := ""
		for i := range 10 {
			lines += fmt.Sprintf("040000 tree %s\td%d\n", tree, i)
		}
		command := gitOf(s.dir, "mktree")
		command.Stdin = strings.NewReader(lines)
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		tree = strings.TrimSpace(string(out))
	}
	command := gitOf(s.dir, "mktree")
	command.Stdin = strings.NewReader("040000 tree " + tree + "\tbomb\n040000 tree " + runGit(t, s.dir, "rev-parse", "main:selected") + "\tselected\n")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	commit := runGit(t, s.dir, "commit-tree", "-m", "bomb", strings.TrimSpace(string(out)))
	runGit(t, s.dir, "update-ref", "refs/heads/main", commit)
	return plan.Revision(commit)
}

// FuzzSurvey counts trees of somebody who is not to be trusted as go-git does, as far as that reads them.
func FuzzSurvey(f *testing.F) {
	store := memory.NewStorage()
	inner := plant(f, store, leaves("a=1 b*=2 d/c=3"))
	f.Add([]byte("40000 d\x00" + string(inner[:]) + "100644 a\x00" + string(inner[:])))
	f.Add([]byte("0040000 d\x00" + string(inner[:])))
	f.Add([]byte("160000 sub\x00" + string(inner[:]) + "120000 link\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		encoded := new(plumbing.MemoryObject)
		encoded.SetType(plumbing.TreeObject)
		_, _ = encoded.Write(raw)
		root, err := store.SetEncodedObject(encoded)
		if err != nil {
			t.Fatal(err)
		}
		got, err := (&surveyor{store, defaultLimits(), make(map[plumbing.Hash]extent)}).below(root, 1)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := object.GetTree(store, root)
		if err != nil {
			return
		}
		want := len(tree.Entries)
		for _, e := range tree.Entries {
			if e.Mode == filemode.Dir && e.Hash == inner {
				want += 4
			}
		}
		if got.entries < want {
			t.Errorf("%q: %d were counted, there are %d", raw, got.entries, want)
		}
	})
}
