package gitrepo

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// leaf is an entry of a flat tree: a mode and the text of its blob.
type leaf struct {
	mode filemode.FileMode
	text string
}

// leaves are flat trees as tables write them: PATH TEXT a word each, with * for executable, @ for a link and # for a submodule
// at the end of the path.
func leaves(text string) map[string]leaf {
	tree := make(map[string]leaf)
	modes := map[byte]filemode.FileMode{'*': filemode.Executable, '@': filemode.Symlink, '#': filemode.Submodule}
	for field := range strings.FieldsSeq(text) {
		name, text, _ := strings.Cut(field, "=")
		mode := filemode.Regular
		if m, ok := modes[name[len(name)-1]]; ok {
			mode, name = m, name[:len(name)-1]
		}
		tree[name] = leaf{mode, text}
	}
	return tree
}

// plant writes a flat tree into a store, with folders for slashes.
func plant(t testing.TB, store *memory.Storage, flat map[string]leaf) plumbing.Hash {
	t.Helper()
	below := make(map[string]map[string]leaf)
	tree := new(object.Tree)
	for name, l := range flat {
		if dir, rest, deep := strings.Cut(name, "/"); deep {
			if below[dir] == nil {
				below[dir] = make(map[string]leaf)
			}
			below[dir][rest] = l
			continue
		}
		blob := new(plumbing.MemoryObject)
		blob.SetType(plumbing.BlobObject)
		_, _ = blob.Write([]byte(l.text))
		hash, err := store.SetEncodedObject(blob)
		if err != nil {
			t.Fatal(err)
		}
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: name, Mode: l.mode, Hash: hash})
	}
	for dir, files := range below {
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: plant(t, store, files)})
	}
	return store1(t, store, tree)
}

func store1(t testing.TB, store *memory.Storage, tree *object.Tree) plumbing.Hash {
	t.Helper()
	sort.Sort(object.TreeEntrySorter(tree.Entries))
	encoded := new(plumbing.MemoryObject)
	if err := tree.Encode(encoded); err != nil {
		t.Fatal(err)
	}
	hash, err := store.SetEncodedObject(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// I3: only the planned change, whole, passes.
func TestProve(t *testing.T) {
	const base = "models.cue=m selected/a.cue=1 selected/b.cue=2 run*=x link@=models.cue sub#=c deep/er/file=f"
	tests := []struct {
		name, now, files string // now: what differs from base, "-PATH" for what is gone
		want             string // part of the error; "" for none
	}{
		{"changed", "selected/a.cue=9", "selected/a.cue=9", ""},
		{"added", "selected/c.cue=3", "selected/c.cue=3", ""},
		{"added in a new folder", "new/c.cue=3", "new/c.cue=3", ""},
		{"two", "selected/a.cue=9 selected/c.cue=3", "selected/a.cue=9 selected/c.cue=3", ""},
		{"two, one as it was", "selected/a.cue=9", "selected/a.cue=9 selected/b.cue=2", ""},
		{"executable stays executable", "run*=y", "run=y", ""},
		{"nothing planned, nothing done", "", "", ""},

		{"planned, not done", "", "selected/a.cue=9", "selected/a.cue as planned"},
		{"planned, not added", "", "selected/c.cue=3", "selected/c.cue as planned"},
		{"other text", "selected/a.cue=8", "selected/a.cue=9", "selected/a.cue as planned"},
		{"one of two", "selected/a.cue=9", "selected/a.cue=9 selected/c.cue=3", "selected/c.cue as planned"},
		{"not planned", "selected/a.cue=9 models.cue=n", "selected/a.cue=9", "change models.cue"},
		{"not planned, new", "selected/a.cue=9 evil=n", "selected/a.cue=9", "change evil"},
		{"not planned, new folder", "selected/a.cue=9 evil/deep/x=n", "selected/a.cue=9", "change evil/deep/x"},
		{"removed", "selected/a.cue=9 -selected/b.cue", "selected/a.cue=9", "change selected/b.cue"},
		{"removed folder", "selected/a.cue=9 -deep/er/file", "selected/a.cue=9", "change deep/er/file"},
		{"removed, planned empty", "-selected/a.cue", "selected/a.cue=", "selected/a.cue as planned"},
		{"made executable", "selected/a.cue*=9", "selected/a.cue=9", "selected/a.cue as planned"},
		{"made executable only", "selected/a.cue*=1", "selected/a.cue=1", "selected/a.cue as planned"},
		{"added executable", "selected/c.cue*=3", "selected/c.cue=3", "selected/c.cue as planned"},
		{"made a link", "selected/a.cue@=9", "selected/a.cue=9", "selected/a.cue as planned"},
		{"link changed", "link@=run", "link=run", "link as planned"},
		{"submodule changed", "selected/a.cue=9 sub#=d", "selected/a.cue=9", "change sub"},
		{"file became a folder", "-selected/a.cue selected/a.cue/x=9", "selected/a.cue=9", "selected/a.cue as planned"},
		{"folder became a file", "-deep/er/file deep=9", "deep=9", "deep as planned"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := memory.NewStorage()
			before := leaves(base)
			after, files := maps.Clone(before), make(map[string][]byte)
			for name, l := range leaves(test.now) {
				if gone, ok := strings.CutPrefix(name, "-"); ok {
					delete(after, gone)
				} else {
					after[name] = l
				}
			}
			for name, l := range leaves(test.files) {
				files[name] = []byte(l.text)
			}
			err := prove(store, plant(t, store, before), plant(t, store, after), files)
			if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("prove = %v; want %q", err, test.want)
			}
		})
	}
}

// Trees that hold the same files and are not written the same are not the same.
func TestProveOddTrees(t *testing.T) {
	store := memory.NewStorage()
	plain := plant(t, store, leaves("a=1 d/b=2"))
	root, err := object.GetTree(store, plain)
	if err != nil {
		t.Fatal(err)
	}
	empty := store1(t, store, new(object.Tree))
	odd := map[string]*object.Tree{
		"an empty folder": {Entries: append(slices.Clone(root.Entries), object.TreeEntry{Name: "e", Mode: filemode.Dir, Hash: empty})},
		"an entry twice":  {Entries: append(slices.Clone(root.Entries), root.Entries[0])},
		"a missing tree":  {Entries: append(slices.Clone(root.Entries), object.TreeEntry{Name: "m", Mode: filemode.Dir, Hash: plumbing.NewHash("01")})},
	}
	for name, tree := range odd {
		if err := prove(store, plain, store1(t, store, tree), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, raw := range map[string]string{
		"unsorted":    fmt.Sprintf("40000 d\x00%s100644 a\x00%s", root.Entries[1].Hash[:], root.Entries[0].Hash[:]),
		"an odd mode": fmt.Sprintf("100664 a\x00%s40000 d\x00%s", root.Entries[0].Hash[:], root.Entries[1].Hash[:]),
	} {
		encoded := new(plumbing.MemoryObject)
		encoded.SetType(plumbing.TreeObject)
		_, _ = encoded.Write([]byte(raw))
		hash, err := store.SetEncodedObject(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if err := prove(store, plain, hash, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := newDraft(store).write(hash, ours, map[string][]byte{"x.cue": nil}); err == nil {
			t.Errorf("%s: the tree was edited, and its other entries with it", name)
		}
	}
}

// FuzzProve edits random trees at random and compares the proof with what the edit was.
func FuzzProve(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, seed*7)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		random := rand.New(rand.NewPCG(a, b))
		name := func() string {
			parts := make([]string, 1+random.IntN(3))
			for i := range parts {
				parts[i] = string(rune('a' + random.IntN(3)))
			}
			return path.Join(parts...) + []string{".f", ".cue", "-x.f"}[random.IntN(3)] // never the name of a folder
		}
		text := func() string { return fmt.Sprint(random.IntN(3)) }
		before, files := make(map[string]leaf), make(map[string][]byte)
		for range random.IntN(6) {
			before[name()] = leaf{filemode.Regular, text()}
		}
		after := maps.Clone(before)
		for range random.IntN(3) {
			at, data := name(), text()
			files[at] = []byte(data)
			after[at] = leaf{filemode.Regular, data}
		}
		planned := maps.Clone(after)
		for range random.IntN(2) {
			after[name()] = leaf{filemode.Regular, text()}
		}
		if names := slices.Sorted(maps.Keys(after)); len(names) > 0 && random.IntN(3) == 0 {
			delete(after, names[random.IntN(len(names))])
		}
		store := memory.NewStorage()
		err := prove(store, plant(t, store, before), plant(t, store, after), files)
		if want := maps.Equal(planned, after); (err == nil) != want {
			t.Errorf("prove = %v; want success %v\nbefore %v\nafter %v\nfiles %q", err, want, before, after, files)
		}
	})
}

// FuzzCheckPath holds what checkPath lets through against what it must not.
func FuzzCheckPath(f *testing.F) {
	for _, name := range []string{"selected/a.cue", "selected/../a.cue", "selected/.cue", "selected/a/b.cue", "selected/\x7f.cue", "selected/.git.cue", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkPath(name) != nil {
			return
		}
		model, ok := strings.CutPrefix(name, "selected/")
		if !ok || path.Clean(name) != name || strings.Contains(model, "/") || !strings.HasSuffix(model, ".cue") || strings.HasPrefix(model, ".") ||
			strings.ContainsAny(name, "\x00\n\r\\") {
			t.Errorf("I3: %q was let through", name)
		}
	})
}
