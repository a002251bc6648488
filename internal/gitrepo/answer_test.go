package gitrepo

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

// What a server answers in place of references or a pack is said in words, with when it wants to be asked again.
func TestAnswers(t *testing.T) {
	const date = "Fri, 01 Jan 2100 00:00:00 GMT"
	tests := []struct {
		status      int
		after, want string
	}{
		{401, "", "the server wants credentials, or other ones: check the username and the password or token"},
		{403, "", "the server refuses these credentials: they need to read and to push"},
		{403, "60", "the server answers 403 Forbidden, and asks to be left alone for 1m0s"},
		{404, "", "no such repository, or the credentials may not see it"},
		{407, "", "the server answers 407 Proxy Authentication Required"},
		{429, "120", "the server answers 429 Too Many Requests, and asks to be left alone for 2m0s"},
		{429, "-1", "the server answers 429 Too Many Requests"},
		{429, "99999999999999999999", "the server answers 429 Too Many Requests"},
		{500, "", "the server answers 500 Internal Server Error"},
		{502, "Thu, 01 Jan 1970 00:00:00 GMT", "the server answers 502 Bad Gateway"},
		{503, date, "the server answers 503 Service Unavailable, and asks to be left alone for "},
		{599, "", "the server answers 599"},
	}
	s := serve(t, specs())
	base := s.tip(t)
	for _, test := range tests {
		for _, at := range []string{http.MethodGet, http.MethodPost} {
			s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.Method != at {
					next.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Retry-After", test.after)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, "<html>sorry</html>")
			})
			_, err := open(t, options(s.url)).Fetch(aMinute(t), base)
			want := "fetch from " + s.url + ": " + test.want
			if err == nil || (err.Error() != want && (test.after != date || !strings.HasPrefix(err.Error(), want))) || errors.Is(err, reconcile.ErrStale) {
				t.Errorf("%d at %s: %v; want %s", test.status, at, err, want)
			}
		}
	}
}

// Row 11, I9: access that ends in the middle is an error and no empty repository, nothing is half done, and access that is given again counts.
func TestFault11Revoked(t *testing.T) {
	s := serve(t, specs())
	base := s.tip(t)
	calls := map[string]func(*Repo) error{
		"list":  func(r *Repo) error { _, err := r.Tip(aMinute(t)); return err },
		"fetch": func(r *Repo) error { _, err := r.Fetch(aMinute(t), base); return err },
		"push":  func(r *Repo) error { _, err := r.Commit(aMinute(t), base, selection("m", "x")); return err },
	}
	from := map[string]func(r *http.Request) bool{
		"from the beginning": func(*http.Request) bool { return true },
		"from the pack on":   func(r *http.Request) bool { return r.Method == http.MethodPost },
		"for writing":        func(r *http.Request) bool { return strings.Contains(r.URL.String(), "receive-pack") },
	}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		for when, revoked := range from {
			for what, call := range calls {
				repo, hit := open(t, options(s.url)), false
				s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if hit = hit || revoked(r); hit {
						w.WriteHeader(status)
						return
					}
					next.ServeHTTP(w, r)
				})
				err := call(repo)
				var missing *BranchError
				if hit && (err == nil || errors.As(err, &missing) || errors.Is(err, reconcile.ErrStale)) || !hit && err != nil {
					t.Errorf("%d %s: %s = %v", status, when, what, err)
				}
				if got := s.tip(t); got != base {
					t.Errorf("%d %s: %s moved the branch to %s", status, when, what, got)
				}
				s.inject(nil)
				if err := call(repo); err != nil {
					t.Errorf("%d %s: %s after that: %v", status, when, what, err)
				}
				runGit(t, s.dir, "update-ref", "refs/heads/main", string(base))
			}
		}
	}
}

// Row 12, I7: a server that is down is an error at once, keeps no file open, and is used again as soon as it is up.
func TestFault12Down(t *testing.T) {
	s := serve(t, specs())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up := func(listener net.Listener) *httptest.Server {
		front := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute}}
		front.Start()
		return front
	}
	front := up(listener)
	repo := open(t, options("http://"+listener.Addr().String()+"/specs.git"))
	if _, err := repo.Tip(aMinute(t)); err != nil {
		t.Fatal(err)
	}
	front.CloseClientConnections()
	front.Close()
	before := files(t)
	for range 100 {
		if _, err := repo.Tip(aMinute(t)); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Fatalf("Tip = %v", err)
		}
	}
	if after := files(t); after > before+2 {
		t.Errorf("I7: %d files are open, and were %d", after, before)
	}
	if listener, err = net.Listen("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	front = up(listener)
	t.Cleanup(front.Close)
	if tip, err := repo.Tip(aMinute(t)); err != nil || tip != s.tip(t) {
		t.Errorf("Tip = %q, %v", tip, err)
	}
}

// files is how many files and connections this process has open; 0 where that can't be seen.
func files(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// dripping hands on what comes from a server one byte at a time, until the end of the test.
type dripping struct {
	net.Conn
	done <-chan struct{}
}

func (d dripping) Write(p []byte) (int, error) {
	for i := range p {
		select {
		case <-d.done:
			return i, net.ErrClosed
		case <-time.After(20 * time.Millisecond):
		}
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// drip is a way to a server on which what that says arrives one byte at a time.
func drip(t *testing.T, to string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { close(done); listener.Close() })
	go func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				here.Close()
				return
			}
			go func() { _, _ = io.Copy(there, here); there.Close() }()
			go func() { _, _ = io.Copy(dripping{here, done}, there); here.Close() }()
		}
	}()
	return listener.Addr().String()
}

// Row 12, I7: a server that sends a byte at a time holds nobody longer than the deadline, whatever was asked and by which way.
func TestFault12Slow(t *testing.T) {
	s := serve(t, specs())
	base := s.tip(t)
	host, _ := newKey(t)
	user, key := newKey(t)
	front := serveSSH(t, host, user.PublicKey())
	web := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/specs.git")
	fetched := open(t, options(s.url))
	if _, err := fetched.Fetch(aMinute(t), base); err != nil {
		t.Fatal(err)
	}
	ways := map[string]func() Options{
		"http": func() Options { return options("http://" + drip(t, web) + "/specs.git") },
		"ssh": func() Options {
			return sshOptions(t, drip(t, front.address), s.dir, key, host.PublicKey())
		},
	}
	for way, at := range ways {
		expires(t, way+" list", soon(open(t, at())), func(ctx context.Context, r *Repo) error { _, err := r.Tip(ctx); return err })
		expires(t, way+" fetch", soon(open(t, at())), func(ctx context.Context, r *Repo) error { _, err := r.Fetch(ctx, base); return err })
		repo := soon(open(t, at()))
		repo.remember(fetched.take(base))
		expires(t, way+" push", repo, func(ctx context.Context, r *Repo) error {
			_, err := r.Commit(ctx, base, selection("m", "x"))
			return err
		})
	}
	if got := s.tip(t); got != base {
		t.Errorf("the branch is at %s", got)
	}
}

// soon makes the deadlines of a test short.
func soon(repo *Repo) *Repo {
	repo.limits.list, repo.limits.move = 80*time.Millisecond, 80*time.Millisecond
	return repo
}
