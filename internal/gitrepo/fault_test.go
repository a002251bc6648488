package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

// post tells a request that moves objects from one that lists.
func post(r *http.Request, service string) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, service)
}

// I2: the server took the push and its answer was lost. That is success, found out by asking.
func TestFault7AnswerLost(t *testing.T) {
	s := serve(t, specs())
	base := s.tip(t)
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "receive-pack") {
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		next.ServeHTTP(w, r)
	})
	got, err := open(t, options(s.url)).Commit(aMinute(t), base, selection("fraud", "x"))
	if err != nil || got != s.tip(t) || got == base {
		t.Errorf("Commit = %q, %v; the branch is at %s", got, err, s.tip(t))
	}
}

// I2: the same, and the server is gone for good. The next start commits the same again and finds that it is there.
func TestFault6ServerGone(t *testing.T) {
	s := serve(t, specs())
	base := s.tip(t)
	var gone atomic.Bool
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "receive-pack") {
			next.ServeHTTP(httptest.NewRecorder(), r)
			gone.Store(true)
		}
		if gone.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	repo := open(t, options(s.url))
	if _, err := repo.Fetch(aMinute(t), base); err != nil {
		t.Fatal(err)
	}
	tree := repo.take(base)
	if got, err := repo.Commit(aMinute(t), base, selection("fraud", "x")); err == nil || errors.Is(err, reconcile.ErrStale) || got != "" {
		t.Errorf("Commit = %q, %v; want an error of unknown outcome", got, err)
	}
	s.inject(nil)
	got := s.tip(t)
	if got == base {
		t.Error("the server did not take the push")
	}
	repo.remember(tree)
	again, err := repo.Commit(aMinute(t), base, selection("fraud", "x"))
	if err != nil || again != got {
		t.Errorf("Commit again = %q, %v; want %q", again, err, got)
	}
}

// I2, I3: somebody pushes between our look at the branch and our push. The server refuses ours.
func TestFault8Race(t *testing.T) {
	s := serve(t, specs())
	base, work := s.tip(t), s.clone(t)
	write(t, work, map[string]string{"selected/mnist.cue": "a person's\n"})
	runGit(t, work, "commit", "-q", "-am", "by hand")
	var once sync.Once
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "receive-pack") {
			once.Do(func() { runGit(t, work, "push", "-q", "origin", "main") })
		}
		next.ServeHTTP(w, r)
	})
	_, err := open(t, options(s.url)).Commit(aMinute(t), base, selection("mnist", "ours"))
	if !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("Commit = %v; want ErrStale", err)
	}
	if got := runGit(t, s.dir, "show", "main:selected/mnist.cue"); got != "a person's" {
		t.Errorf("I2: the person's file is %q", got)
	}
}

// I3: not even a server that lets anybody rewrite history is made to.
func TestFault8RaceBackwards(t *testing.T) {
	s := serve(t, specs())
	first, work := s.tip(t), s.clone(t)
	write(t, work, map[string]string{"models.cue": "package models\n// second\n"})
	base := s.publish(t, work, "second")
	var once sync.Once
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "receive-pack") {
			once.Do(func() { runGit(t, s.dir, "update-ref", "refs/heads/main", string(first)) })
		}
		next.ServeHTTP(w, r)
	})
	if _, err := open(t, options(s.url)).Commit(aMinute(t), base, selection("mnist", "ours")); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("Commit = %v; want ErrStale", err)
	}
	if s.tip(t) != first {
		t.Errorf("the branch is at %s; want %s", s.tip(t), first)
	}
}

// A push that the server refuses is an error with the server's words, and not ErrStale: trying again would not help.
func TestPushRefused(t *testing.T) {
	s := serve(t, specs())
	write(t, s.dir, map[string]string{"hooks/update*": "#!/bin/sh\nexit 1\n"})
	for _, url := range []string{s.url, "file://" + s.dir} {
		_, err := open(t, options(url)).Commit(aMinute(t), s.tip(t), selection("mnist", "x"))
		if !errors.Is(err, reconcile.ErrDeclined) || errors.Is(err, reconcile.ErrStale) || !strings.Contains(err.Error(), "hook declined") {
			t.Errorf("%s: Commit = %v; want that a hook declined", url, err)
		}
	}
}

func TestFault13Damaged(t *testing.T) {
	s := serve(t, specs())
	repo := open(t, options(s.url))
	damages := map[string]func([]byte) []byte{
		"truncated":       func(b []byte) []byte { return b[:len(b)-40] },
		"truncated early": func(b []byte) []byte { return b[:len(b)/2] },
		"empty":           func([]byte) []byte { return nil },
		"flipped":         func(b []byte) []byte { b[len(b)/2] ^= 0x40; return b },
		"flipped late":    func(b []byte) []byte { b[len(b)-10] ^= 0x40; return b },
	}
	for name, damage := range damages {
		s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !post(r, "upload-pack") {
				next.ServeHTTP(w, r)
				return
			}
			whole := httptest.NewRecorder()
			next.ServeHTTP(whole, r)
			w.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
			_, _ = w.Write(damage(whole.Body.Bytes()))
		})
		if _, err := repo.Fetch(aMinute(t), s.tip(t)); err == nil {
			t.Errorf("%s: Fetch is no error", name)
		}
	}
	s.inject(nil)
	if _, err := repo.Fetch(aMinute(t), s.tip(t)); err != nil {
		t.Errorf("Fetch after the damage: %v", err)
	}
}

// I7: a server that stops in mid-answer holds nobody longer than the context, and nothing is left behind.
func TestFault12Stalled(t *testing.T) {
	s := serve(t, specs())
	base := s.tip(t)
	first := open(t, options(s.url))
	if _, err := first.Fetch(aMinute(t), base); err != nil {
		t.Fatal(err)
	}
	fetched := first.take(base)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	stall := func(when func(*http.Request) bool, begin string) {
		s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !when(r) {
				next.ServeHTTP(w, r)
				return
			}
			_, _ = io.WriteString(w, begin)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
	}
	calls := map[string]func(context.Context, *Repo) error{
		"Tip":   func(ctx context.Context, r *Repo) error { _, err := r.Tip(ctx); return err },
		"Fetch": func(ctx context.Context, r *Repo) error { _, err := r.Fetch(ctx, base); return err },
		"Commit": func(ctx context.Context, r *Repo) error {
			_, err := r.Commit(ctx, base, selection("m", "x"))
			return err
		},
	}
	repo := open(t, options(s.url))
	repo.limits.list, repo.limits.move = 80*time.Millisecond, 80*time.Millisecond
	before := runtime.NumGoroutine()
	for name, call := range calls {
		stall(func(r *http.Request) bool { return r.Method == http.MethodGet }, "001e# service=git-")
		expires(t, name+" while listing", repo, call)
		if name != "Tip" {
			stall(func(r *http.Request) bool { return post(r, "upload-pack") }, "0034shallow ")
			expires(t, name+" while fetching", repo, call)
		}
	}
	repo.remember(fetched)
	stall(func(r *http.Request) bool { return post(r, "receive-pack") }, "")
	expires(t, "Commit while pushing", repo, calls["Commit"])
	if s.tip(t) != base {
		t.Errorf("the branch is at %s", s.tip(t))
	}
	const idle = 8 // two connections that may be used again, at both ends
	deadline := time.Now().Add(3 * time.Second)
	for runtime.NumGoroutine() > before+idle && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before+idle {
		t.Errorf("I7: %d goroutines before, %d after", before, after)
	}
}

// expires makes a call with a context that ends soon, and without one, so that the default ends it.
func expires(t *testing.T, what string, repo *Repo, call func(context.Context, *Repo) error) {
	t.Helper()
	soon, cancel := context.WithTimeout(context.Background(), 80*time.Millisecond)
	defer cancel()
	for _, ctx := range []context.Context{soon, context.Background()} {
		start := time.Now()
		err := call(ctx, repo)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 3*time.Second {
			t.Errorf("%s: %v after %v; want a deadline soon", what, err, time.Since(start))
		}
	}
}

// I7: a list of references without end is cut off.
func TestFault13EndlessRefs(t *testing.T) {
	s := serve(t, specs())
	var sent atomic.Int64
	s.inject(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
		for i := range 5_000_000 {
			line := fmt.Sprintf("%040x refs/pull/%d/head\n", i+1, i)
			if i == 0 {
				line = fmt.Sprintf("%040x refs/pull/%d/head\x00ofs-delta shallow\n", i+1, i)
			}
			n, err := fmt.Fprintf(w, "%04x%s", len(line)+4, line)
			if err != nil {
				return
			}
			sent.Add(int64(n))
		}
	})
	repo := open(t, options(s.url))
	repo.limits.refs = 1 << 20
	if _, err := repo.Tip(aMinute(t)); !errors.Is(err, errTooLarge) {
		t.Errorf("Tip = %v; want %v", err, errTooLarge)
	}
	if got := sent.Load(); got > 20<<20 {
		t.Errorf("I7: %d bytes were sent", got)
	}
}

// A repository that is not there is said so, whichever way it was looked for.
func TestFault11NoRepository(t *testing.T) {
	s := serve(t, specs())
	for _, url := range []string{"file://" + s.dir + "x", s.url + "x", "http://127.0.0.1:1/x"} {
		_, err := open(t, options(url)).Tip(aMinute(t))
		if err == nil || !strings.Contains(err.Error(), url) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A tree can be read while a commit is built on it.
func TestReadWhileCommitting(t *testing.T) {
	s := serve(t, specs())
	repo, base := open(t, options(s.url)), s.tip(t)
	tree, err := repo.Fetch(aMinute(t), base)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				if _, err := fs.ReadFile(tree, "selected/mnist.cue"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if _, err := repo.Commit(aMinute(t), base, selection("m", "x")); err != nil {
		t.Error(err)
	}
	group.Wait()
}
