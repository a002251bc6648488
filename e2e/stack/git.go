//go:build e2e

package stack

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
)

const branch = "main"

// Git is a bare repository with one branch, main, behind git's own HTTP server,
// git http-backend. What the tests do as a person goes to the repository past
// that server, so that Traffic is the daemon's alone.
type Git struct {
	filtered
	bare                                  string
	server                                *listener
	listings, fetches, pushes, pushChecks atomic.Int64
}

// Traffic is how many requests of each kind the git server got.
type Traffic struct {
	Listings   int // of refs, to fetch: what a poll costs
	Fetches    int // of objects
	PushChecks int // listings of refs, to push
	Pushes     int
}

// StartGit makes an empty repository in dir and serves it over HTTP.
func StartGit(ctx context.Context, dir string) (*Git, error) {
	return startGit(ctx, dir, "", "")
}

// StartGit is the function of that name, over HTTPS where pods are real: who
// takes plain HTTP from loopback alone takes none from a node. CAFile has the
// authority that it is known by.
func (s *Stack) StartGit(ctx context.Context, dir string) (*Git, error) {
	if !s.real() {
		return StartGit(ctx, dir)
	}
	own := s.path("apiserver") // the API server's certificate is good for all of this address
	return startGit(ctx, dir, filepath.Join(own, "tls.crt"), filepath.Join(own, "tls.key"))
}

// CAFile is the path of the authority that signs the stack's certificates, as PEM.
func (s *Stack) CAFile() string { return s.path("ca.crt") }

func startGit(ctx context.Context, dir, certFile, keyFile string) (*Git, error) {
	g := &Git{bare: filepath.Join(dir, "spec.git")}
	if _, err := git(ctx, dir, "init", "--quiet", "--bare", "--initial-branch="+branch, g.bare); err != nil {
		return nil, err
	}
	for _, setting := range []string{"http.receivepack", "core.logAllRefUpdates"} {
		if _, err := git(ctx, g.bare, "config", setting, "true"); err != nil {
			return nil, err
		}
	}
	core, err := git(ctx, dir, "--exec-path")
	if err != nil {
		return nil, err
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(core), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"},
	}
	g.server, err = listenTLS(g.before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.count(r)
		backend.ServeHTTP(w, r)
	})), certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// count sorts a request of git's smart HTTP protocol, versions 0 and 1; in
// version 2, which go-git 5 does not speak, a listing is a POST.
func (g *Git) count(r *http.Request) {
	listing := strings.HasSuffix(r.URL.Path, "/info/refs")
	push := listing && r.URL.Query().Get("service") == "git-receive-pack" || strings.HasSuffix(r.URL.Path, "/git-receive-pack")
	switch {
	case listing && push:
		g.pushChecks.Add(1)
	case listing:
		g.listings.Add(1)
	case push:
		g.pushes.Add(1)
	default:
		g.fetches.Add(1)
	}
}

// URL is the repository's, to clone from and to push to without credentials.
func (g *Git) URL() string { return g.server.url + "/" + filepath.Base(g.bare) }

// Traffic is what the server was asked so far.
func (g *Git) Traffic() Traffic {
	return Traffic{
		Listings:   int(g.listings.Load()),
		Fetches:    int(g.fetches.Load()),
		PushChecks: int(g.pushChecks.Load()),
		Pushes:     int(g.pushes.Load()),
	}
}

// Close stops the server; the repository stays.
func (g *Git) Close() error { return g.server.close() }

// Push commits to main as a person does: edit changes the files of a fresh
// clone, whose folder it is given; everything in it is committed with the
// message and pushed. It returns the new commit's hash. An edit that changes
// nothing is an error.
func (g *Git) Push(ctx context.Context, message string, edit func(dir string) error) (hash string, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(g.bare), "person-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if _, err := git(ctx, dir, "clone", "--quiet", g.bare, "."); err != nil {
		return "", err
	}
	if err := edit(dir); err != nil {
		return "", fmt.Errorf("edit for %q: %w", message, err)
	}
	for _, args := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--message=" + message},
		{"push", "--quiet", "origin", "HEAD:" + branch},
	} {
		if _, err := git(ctx, dir, args...); err != nil {
			return "", err
		}
	}
	hash, err = git(ctx, dir, "rev-parse", "HEAD")
	return strings.TrimSpace(hash), err
}

// Seed pushes a copy of the files under dir to a repository that has none of
// them yet.
func (g *Git) Seed(ctx context.Context, message, dir string) (hash string, err error) {
	return g.Push(ctx, message, func(clone string) error { return os.CopyFS(clone, os.DirFS(dir)) })
}

// ReadFile is a file's content at the tip of main.
func (g *Git) ReadFile(ctx context.Context, path string) (string, error) {
	return git(ctx, g.bare, "show", branch+":"+path)
}

// DeleteBranch deletes main, and returns the commit that it was at.
func (g *Git) DeleteBranch(ctx context.Context) (tip string, err error) {
	if tip, err = git(ctx, g.bare, "rev-parse", branch); err != nil {
		return "", err
	}
	_, err = git(ctx, g.bare, "update-ref", "-d", "refs/heads/"+branch)
	return strings.TrimSpace(tip), err
}

// RestoreBranch makes main again, at a commit.
func (g *Git) RestoreBranch(ctx context.Context, tip string) error {
	_, err := git(ctx, g.bare, "update-ref", "refs/heads/"+branch, tip)
	return err
}

// Moves are how often main was moved so far, by anybody, and which of the
// commits that it was at are not behind it any more: none while every move was
// a fast-forward.
func (g *Git) Moves(ctx context.Context) (moves int, left []string, err error) {
	out, err := git(ctx, g.bare, "log", "--walk-reflogs", "--format=%H", branch)
	if err != nil {
		return 0, nil, err
	}
	all := lines(out)
	for i := range len(all) - 1 { // the newest first
		if _, err := git(ctx, g.bare, "merge-base", "--is-ancestor", all[i+1], all[i]); err != nil {
			left = append(left, all[i+1])
		}
	}
	return len(all), left, nil
}

// Objects is the content of all objects that the repository holds, of those
// that no branch leads to too.
func (g *Git) Objects(ctx context.Context) (string, error) {
	return git(ctx, g.bare, "cat-file", "--batch", "--batch-all-objects")
}

// A Commit is one commit of main.
type Commit struct {
	Hash, Author, Subject string
	Body                  string   // below the subject
	Files                 []string // that it changed
	Parents               int
}

// Log lists the commits of main, the newest first.
func (g *Git) Log(ctx context.Context) ([]Commit, error) {
	const field, record = "\x1f", "\x1e"
	out, err := git(ctx, g.bare, "log", "--name-only", "--format="+record+"%H"+field+"%an"+field+"%s"+field+"%b"+field+"%P"+field, branch)
	if err != nil {
		return nil, err
	}
	var commits []Commit
	for text := range strings.SplitSeq(strings.TrimPrefix(out, record), record) {
		parts := strings.SplitN(text, field, 6)
		if len(parts) != 6 {
			return nil, fmt.Errorf("git log: no commit in %q", text)
		}
		commits = append(commits, Commit{
			Hash: parts[0], Author: parts[1], Subject: parts[2], Body: parts[3], Files: lines(parts[5]), Parents: len(strings.Fields(parts[4])),
		})
	}
	return commits, nil
}

// lines are the non-empty lines of text.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// git runs git in dir, untouched by the caller's own configuration, and returns
// its output.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A Person", "GIT_AUTHOR_EMAIL=person@example.com",
		"GIT_COMMITTER_NAME=A Person", "GIT_COMMITTER_EMAIL=person@example.com",
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}
