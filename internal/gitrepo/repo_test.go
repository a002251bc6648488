package gitrepo

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

func TestTipListsOnce(t *testing.T) {
	s := serve(t, specs())
	got, err := open(t, options(s.url)).Tip(aMinute(t))
	if err != nil || got != s.tip(t) {
		t.Fatalf("Tip = %q, %v; want %q", got, err, s.tip(t))
	}
	if diff := cmp.Diff([]string{"GET /specs.git/info/refs?service=git-upload-pack"}, s.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestFault11NoBranch(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		setup func(t *testing.T, s *server)
		want  string
	}{
		{"empty repository", nil, func(*testing.T, *server) {}, `URL has no commits yet: push a first commit to branch "main"`},
		{"deleted branch", specs(), func(t *testing.T, s *server) {
			runGit(t, s.dir, "branch", "-m", "main", "trunk")
			runGit(t, s.dir, "branch", "old", "trunk")
		}, `branch "main" does not exist at URL (it has: "old", "trunk")`},
		{"many branches", specs(), func(t *testing.T, s *server) {
			runGit(t, s.dir, "branch", "-m", "main", "a")
			for _, name := range strings.Split("b c d e f g", " ") {
				runGit(t, s.dir, "branch", name, "a")
			}
		}, `branch "main" does not exist at URL (it has: "a", "b", "c", "d", "e", and 2 more)`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.files)
			test.setup(t, s)
			for _, url := range []string{s.url, "file://" + s.dir} {
				repo := open(t, options(url))
				_, err := repo.Tip(aMinute(t))
				var missing *BranchError
				if !errors.As(err, &missing) {
					t.Fatalf("%s: Tip = %v; want a BranchError", url, err)
				}
				if got := strings.ReplaceAll(err.Error(), url, "URL"); got != test.want {
					t.Errorf("%s:\n got %s\nwant %s", url, got, test.want)
				}
				if _, err := repo.Commit(aMinute(t), "1234567890123456789012345678901234567890", selection("m", "x")); !errors.As(err, &missing) {
					t.Errorf("%s: Commit = %v; want a BranchError", url, err)
				}
			}
		})
	}
}

func TestFetch(t *testing.T) {
	s := serve(t, specs())
	for _, url := range []string{s.url, "file://" + s.dir} {
		tree, err := open(t, options(url)).Fetch(aMinute(t), s.tip(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(tree, "models.cue", "selected/mnist.cue", "train/run.py", "train/lib/a.py"); err != nil {
			t.Error(err)
		}
		for _, folder := range []string{".", "train", "train/lib", "selected"} {
			want := runGit(t, s.dir, "rev-parse", "main:"+strings.TrimPrefix(folder, "."))
			if got, err := tree.Hash(folder); err != nil || got != want {
				t.Errorf("Hash(%s) = %q, %v; want %q", folder, got, err, want)
			}
		}
		for _, folder := range []string{"nowhere", "train/run.py", "models.cue/x"} {
			if _, err := tree.Hash(folder); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Hash(%s) = %v; want not exist", folder, err)
			}
		}
		if got, err := fs.Stat(tree, "train/run.py"); err != nil || got.Mode() != 0o555 {
			t.Errorf("an executable file has mode %v, %v", got.Mode(), err)
		}
	}
}

func TestFetchFolder(t *testing.T) {
	s := serve(t, map[string]string{"team/specs/models.cue": "package models\n", "team/specs/train/a": "a", "README": "x"})
	o := options(s.url)
	o.Path = "team/specs"
	tree, err := open(t, o).Fetch(aMinute(t), s.tip(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "models.cue", "train/a"); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"team/other", "README"} {
		o.Path = path
		if _, err := open(t, o).Fetch(aMinute(t), s.tip(t)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Fetch at %s = %v; want not exist", path, err)
		}
	}
}

// A tip that moved between Tip and Fetch is noticed before anything is downloaded.
func TestFetchStale(t *testing.T) {
	s := serve(t, specs())
	repo, old := open(t, options(s.url)), s.tip(t)
	work := s.clone(t)
	write(t, work, map[string]string{"models.cue": "package models\n// more\n"})
	s.publish(t, work, "more")
	if _, err := repo.Fetch(aMinute(t), old); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("Fetch of an old tip = %v; want ErrStale", err)
	}
	if len(s.calls) != 1 {
		t.Errorf("requests: %q; want one list", s.calls)
	}
}

// I5: a branch that went back to an older or to an unrelated commit is read like any other.
func TestFault10ForcePush(t *testing.T) {
	s := serve(t, specs())
	repo, first := open(t, options(s.url)), s.tip(t)
	work := s.clone(t)
	write(t, work, map[string]string{"models.cue": "package models\n// second\n"})
	s.publish(t, work, "second")
	fetched := func() string {
		t.Helper()
		tip, err := repo.Tip(aMinute(t))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := repo.Fetch(aMinute(t), tip)
		if err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(tree, "models.cue")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := fetched(); got != "package models\n// second\n" {
		t.Errorf("second: %q", got)
	}
	runGit(t, s.dir, "update-ref", "refs/heads/main", string(first))
	if got := fetched(); got != "package models\n" {
		t.Errorf("after the branch went back: %q", got)
	}
	runGit(t, work, "checkout", "-q", "--orphan", "other")
	write(t, work, map[string]string{"models.cue": "package models\n// other\n"})
	runGit(t, work, "add", "-A")
	runGit(t, work, "commit", "-q", "-m", "other")
	runGit(t, work, "push", "-q", "-f", "origin", "other:main")
	if got := fetched(); got != "package models\n// other\n" {
		t.Errorf("after another history was pushed: %q", got)
	}
}

func TestFault16Links(t *testing.T) {
	s := serve(t, specs())
	work := s.clone(t)
	runGit(t, work, "update-index", "--add", "--cacheinfo", "160000,"+string(s.tip(t))+",vendor")
	runGit(t, work, "update-index", "--add", "--cacheinfo", "120000,"+runGit(t, work, "rev-parse", "main:models.cue")+",link.cue")
	runGit(t, work, "commit", "-q", "-m", "links")
	runGit(t, work, "push", "-q", "origin", "main")
	tree, err := open(t, options(s.url)).Fetch(aMinute(t), s.tip(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"link.cue": errLink, "vendor": errSubmodule, "link.cue/x": errLink, "vendor/x": errSubmodule} {
		_, err := tree.Open(name)
		var at *fs.PathError
		if !errors.Is(err, want) || !errors.As(err, &at) || at.Path != name {
			t.Errorf("Open(%s) = %v; want %v", name, err, want)
		}
	}
	if _, err := tree.Hash("vendor"); !errors.Is(err, errSubmodule) {
		t.Errorf("Hash(vendor) = %v", err)
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Type().String()[:1]+" "+e.Name())
	}
	want := []string{"L link.cue", "- models.cue", "d selected", "d train", "? vendor"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	if got, err := tree.Hash("."); err != nil || got != runGit(t, s.dir, "rev-parse", "main:") {
		t.Errorf("Hash of a folder with links = %q, %v", got, err)
	}
}

func TestFault13Limits(t *testing.T) {
	s := serve(t, map[string]string{"models.cue": strings.Repeat("x", 5000), "a": strings.Repeat("abc", 3000)})
	tests := []struct {
		name   string
		change func(*limits)
		want   string
	}{
		{"refs", func(l *limits) { l.refs = 50 }, "its list of branches and tags has more than 50 bytes: delete those that nobody needs"},
		{"pack", func(l *limits) { l.pack = 150 }, "one commit is more than 150 bytes as it is sent: keep large files out of a spec repository"},
		{"content", func(l *limits) { l.content = 10_000 }, "the files of one commit are more than 10000 bytes: keep large files out of a spec repository"},
		{"objects", func(l *limits) { l.objects = 3 }, "one commit has more than 3 files and folders: keep other things than specs and code in another repository"},
	}
	for _, test := range tests {
		for _, url := range []string{s.url, "file://" + s.dir} {
			repo := open(t, options(url))
			test.change(&repo.limits)
			_, err := repo.Fetch(aMinute(t), s.tip(t))
			if !errors.Is(err, errTooLarge) || !strings.HasSuffix(err.Error(), url+": the answer is too large, "+test.want) {
				t.Errorf("%s at %s: Fetch = %v; want %s", test.name, url, err, test.want)
			}
		}
	}
	repo := open(t, options(s.url))
	repo.limits.file = 6000
	tree, err := repo.Fetch(aMinute(t), s.tip(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Open("a"); !errors.Is(err, errBig) {
		t.Errorf("Open of a large file = %v; want %v", err, errBig)
	}
	if _, err := tree.Open("models.cue"); err != nil {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	const canary = "s3cr3t"
	tests := []struct {
		name   string
		change func(*Options)
		want   string // a part of the error
	}{
		{"no URL", func(o *Options) { o.URL = "https://bob:" + canary + "@exa mple.com/%zz" }, "not a URL"},
		{"scp syntax", func(o *Options) { o.URL = "git@example.com:team/specs.git" }, "ssh://git@HOST/PATH"},
		{"empty", func(o *Options) { o.URL = "" }, "not a URL"},
		{"branch", func(o *Options) { o.Branch = "a..b" }, `branch "a..b"`},
		{"no branch", func(o *Options) { o.Branch = "" }, `branch ""`},
		{"path", func(o *Options) { o.Path = "../x" }, `path "../x"`},
		{"author", func(o *Options) { o.AuthorName = "a\nb" }, "author"},
		{"no author", func(o *Options) { o.AuthorEmail = "" }, "author"},
		{"no password", func(o *Options) { o.Credentials = given(Credentials{Username: "bob"}) }, "password or a token"},
		{"password for ssh", func(o *Options) {
			o.URL, o.Credentials = "ssh://example.com/x", given(Credentials{Password: canary})
		}, "for https"},
		{"ssh without a key", func(o *Options) { o.URL = "ssh://example.com/x" }, "known_hosts"},
		{"key for https", func(o *Options) { o.Credentials = given(Credentials{SSHKey: []byte(canary)}) }, "for ssh"},
		{"not a key", func(o *Options) {
			o.URL, o.Credentials = "ssh://example.com/x", given(Credentials{SSHKey: []byte(canary), KnownHosts: filepath.Join(dir, "none")})
		}, "not a private key"},
		{"not a CA", func(o *Options) { o.Credentials = given(Credentials{CA: []byte(canary)}) }, "no certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options("https://example.com/specs.git")
			test.change(&o)
			_, err := Open(o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("Open = %v; want %q", err, test.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("I6: the error holds the secret: %v", err)
			}
		})
	}
	for _, url := range []string{"https://example.com/x", "http://localhost:80/x", "http://[::1]/x", "file:///x"} {
		if _, err := Open(options(url)); err != nil {
			t.Errorf("Open(%s) = %v", url, err)
		}
	}
}
