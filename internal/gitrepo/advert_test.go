package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// Hashes of SHA-256 are refused in words, whichever way the repository is read, and nothing of it is misread.
func TestSHA256(t *testing.T) {
	s := serve(t, nil)
	other := filepath.Join(filepath.Dir(s.dir), "other.git")
	runGit(t, filepath.Dir(s.dir), "init", "-q", "--bare", "-b", "main", "--object-format=sha256", other)
	runGit(t, other, "config", "http.receivepack", "true")
	work := filepath.Join(t.TempDir(), "work")
	runGit(t, filepath.Dir(work), "init", "-q", "-b", "main", "--object-format=sha256", work)
	write(t, work, specs())
	runGit(t, work, "add", "-A")
	runGit(t, work, "commit", "-q", "-m", "begin")
	runGit(t, work, "push", "-q", other, "main")
	for _, url := range []string{strings.Replace(s.url, "specs.git", "other.git", 1), "file://" + other} {
		repo := open(t, options(url))
		const want = "the repository's hashes are sha256, and only sha1 is read: make one with `git init --object-format=sha1`"
		if _, err := repo.Tip(aMinute(t)); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("Tip = %v; want %s", err, want)
		}
		if _, err := repo.Commit(aMinute(t), "1234567890123456789012345678901234567890", selection("m", "x")); err == nil || !strings.Contains(err.Error(), "sha256") {
			t.Errorf("Commit = %v", err)
		}
	}
}

// A server that answers, and not as git does, is said so.
func TestNotGit(t *testing.T) {
	const advertisement = "application/x-git-upload-pack-advertisement"
	tests := []struct{ name, kind, body, want string }{
		{"a page", "text/html; charset=utf-8", "<!DOCTYPE html>", "answers with a web page"},
		{"a page that says that it is none", advertisement, "\n <html>", "answers with a web page"},
		{"a short page", "", "<", "answers with a web page"},
		{"files", "text/plain; charset=utf-8", "1234567890123456789012345678901234567890\trefs/heads/main\n", "git's dumb protocol"},
		{"files with hashes of SHA-256", "text/plain", strings.Repeat("0a", 32) + "\trefs/heads/main\n", "git's dumb protocol"},
		{"text", "text/plain", "hello, " + strings.Repeat("world ", 100), `it says "hello, world world`},
		{"nothing", advertisement, "", "empty input"},
		{"cut off", advertisement, "001e# service=git-up", "unexpected EOF"},
	}
	s := serve(t, specs())
	for _, test := range tests {
		s.inject(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", test.kind)
			_, _ = io.WriteString(w, test.body)
		})
		_, err := open(t, options(s.url)).Tip(aMinute(t))
		if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 300 {
			t.Errorf("%s: Tip = %v; want %q", test.name, err, test.want)
		}
	}
}

// The real files of a repository, as a web server without git hands them out.
func TestDumbServer(t *testing.T) {
	s := serve(t, specs())
	runGit(t, s.dir, "update-server-info")
	files := http.FileServer(http.Dir(filepath.Dir(s.dir)))
	s.inject(func(w http.ResponseWriter, r *http.Request, _ http.Handler) { files.ServeHTTP(w, r) })
	if _, err := open(t, options(s.url)).Tip(aMinute(t)); !errors.Is(err, errDumb) || !strings.Contains(err.Error(), "smart protocol") {
		t.Errorf("Tip = %v", err)
	}
}

// What is looked at first is read after all, byte for byte, and no read waits for what a server only sends when it is asked.
func TestAdvertReads(t *testing.T) {
	s := serve(t, specs())
	real, err := exec.Command("git", "upload-pack", "--advertise-refs", s.dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(real), "0000", "001e# service=git-upload-pack\n0000" + string(real), "001e# service=git-upload-pack\n00000000",
		"ffff" + strings.Repeat("x", 1<<16), strings.Repeat("0000", 5000), "0003abc", "0006# " + strings.Repeat("0006# ", 2000)} {
		got, err := io.ReadAll(newAdvert(iotest.OneByteReader(strings.NewReader(text))))
		if err != nil || string(got) != text {
			t.Errorf("%.40q: %.40q, %v", text, got, err)
		}
	}
	stuck := errors.New("more was asked for than a server sends")
	for _, text := range []string{"0000", "000ahello0", fmt.Sprintf("%04x%s", 70, strings.Repeat("0", 66))} {
		_, err := newAdvert(io.MultiReader(strings.NewReader(text), iotest.ErrReader(stuck))).Read(make([]byte, 4))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzAdvert hands on all bytes of a server, or none and an error.
func FuzzAdvert(f *testing.F) {
	for _, seed := range []string{"", "0", "0000", "001e# service=git-upload-pack\n0000", "<html>", "0008\x00a b", "ffff", "0001", "0005#00000000",
		"1234567890123456789012345678901234567890\tx"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := io.ReadAll(newAdvert(bytes.NewReader(raw)))
		if (err == nil && !bytes.Equal(got, raw)) || (err != nil && len(got) > 0) {
			t.Errorf("%q becomes %q, %v", raw, got, err)
		}
	})
}
