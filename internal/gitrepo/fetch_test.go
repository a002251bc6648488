package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/schema"
)

// latest fetches the tip of the branch.
func latest(t testing.TB, repo *Repo) schema.Tree {
	t.Helper()
	tip, err := repo.Tip(aMinute(t))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.Fetch(aMinute(t), tip)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// steady is a Repo that is not expected to fetch anything afresh.
func steady(t testing.TB, o Options) *Repo {
	repo := open(t, o)
	repo.afresh = func(why error) { t.Errorf("fetched afresh: %v", why) }
	return repo
}

// After the first time only what changed is sent.
func TestFetchWhatChanged(t *testing.T) {
	s := serve(t, specs())
	s.grow(t, models(10_000, 1))
	host, _ := newKey(t)
	user, key := newKey(t)
	front := serveSSH(t, host, user.PublicKey())
	ways := []struct {
		name string
		o    Options
	}{
		{"http", options(s.url)},
		{"file", options("file://" + s.dir)},
		{"ssh", sshOptions(t, front.address, s.dir, key, host.PublicKey())},
	}
	for n, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			repo := steady(t, way.o)
			sent := s.weigh(repo)
			latest(t, repo)
			first := sent.Swap(0)
			s.grow(t, models(1, n+2))
			tree := latest(t, repo)
			if got, err := fs.ReadFile(tree, "model00000.cue"); err != nil || string(got) != modelFile(0, n+2) {
				t.Errorf("model00000.cue = %q, %v", got, err)
			}
			edit := sent.Load()
			if edit*50 > first || edit == 0 {
				t.Errorf("%d bytes for one edit of 10,000 files, %d at first", edit, first)
			}
			t.Logf("%d bytes at first, %d for one edit", first, edit)
		})
	}
}

// What this daemon committed it made itself: to fetch that it asks for nothing but where the branch is.
func TestFetchOwnCommit(t *testing.T) {
	s := serve(t, specs())
	repo, base := steady(t, options(s.url)), s.tip(t)
	latest(t, repo)
	tip, err := repo.Commit(aMinute(t), base, selection("fraud", "x"))
	if err != nil {
		t.Fatal(err)
	}
	s.calls = nil
	tree, err := repo.Fetch(aMinute(t), tip)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET /specs.git/info/refs?service=git-upload-pack"}, s.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	asGit(t, s, tree)
	if got, want := stored(repo), reachable(t, s); got != want {
		t.Errorf("%d objects are kept; want %d", got, want)
	}
	runGit(t, s.dir, "branch", "-m", "main", "trunk")
	if _, err := repo.Fetch(aMinute(t), tip); !errors.As(err, new(*BranchError)) {
		t.Errorf("Fetch of what is known, without the branch = %v; want a BranchError", err)
	}
}

// stored is how many objects a Repo keeps.
func stored(repo *Repo) int { return len(repo.known().store.(*memory.Storage).Objects) } //nolint:forcetypeassert // it is

// reachable is how many objects the tip of the branch has, itself included and its parents not.
func reachable(t testing.TB, s *server) int {
	t.Helper()
	unique := make(map[string]bool)
	for line := range strings.Lines(runGit(t, s.dir, "ls-tree", "-r", "-t", "main")) {
		if field := strings.Fields(line); field[1] != "commit" {
			unique[field[2]] = true
		}
	}
	return len(unique) + 2
}

// asGit compares all that can be read with what git says is in the tip of the branch.
func asGit(t testing.TB, s *server, tree schema.Tree) {
	t.Helper()
	var got strings.Builder
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		fmt.Fprintf(&got, "%s %q\n", name, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	runGit(t, s.dir, "--work-tree", work, "checkout", "-q", "-f", "main", "--", ".")
	var want strings.Builder
	_ = filepath.WalkDir(work, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		name, _ = filepath.Rel(work, name)
		fmt.Fprintf(&want, "%s %q\n", filepath.ToSlash(name), text)
		return err
	})
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	if hash, err := tree.Hash("."); err != nil || hash != runGit(t, s.dir, "rev-parse", "main^{tree}") {
		t.Errorf("hash of the tree = %s, %v", hash, err)
	}
}

// I7: however often the branch moves, what is kept is what its tip has.
func TestFetchFlat(t *testing.T) {
	s := serve(t, specs())
	first := s.tip(t)
	const moves = 500
	changes := []map[string]string{models(100, 0)}
	for i := range moves {
		changes = append(changes, map[string]string{modelName(i % 100): modelFile(i%100, i+1)})
	}
	tips := s.grow(t, changes...)
	repo := steady(t, options("file://"+s.dir))
	var before uint64
	for i, tip := range tips {
		s.move(t, tip)
		if _, err := repo.Fetch(t.Context(), tip); err != nil {
			t.Fatal(err)
		}
		if i == moves/5 {
			before = liveHeap()
		}
	}
	if got, want := stored(repo), reachable(t, s); got != want {
		t.Errorf("%d objects after %d fetches; want %d", got, moves, want)
	}
	if after := liveHeap(); after > before+256<<10 {
		t.Errorf("%d bytes of heap after %d fetches, %d after %d", after, moves, before, moves/5)
	}
	s.move(t, first)
	asGit(t, s, latest(t, repo))
}
