package gitrepo

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// Row 10 of the faults, I5: whatever becomes of the branch, its content is read as it is, and so is the edit after that.
func TestFault10(t *testing.T) {
	changes := []struct {
		name   string
		change func(t *testing.T, s *server, work string, first plan.Revision)
	}{
		{"older history", func(t *testing.T, _ *server, work string, first plan.Revision) {
			runGit(t, work, "reset", "-q", "--hard", string(first))
		}},
		{"unrelated history", func(t *testing.T, _ *server, work string, _ plan.Revision) {
			runGit(t, work, "checkout", "-q", "--orphan", "other")
			write(t, work, map[string]string{"models.cue": "package models\n// other\n"})
			runGit(t, work, "add", "-A")
			runGit(t, work, "commit", "-q", "-m", "other")
			runGit(t, work, "branch", "-q", "-M", "main")
		}},
		{"deleted and made again", func(t *testing.T, s *server, work string, _ plan.Revision) {
			runGit(t, s.dir, "update-ref", "-d", "refs/heads/main")
			runGit(t, work, "commit", "-q", "--allow-empty", "-m", "again")
		}},
		{"another history of the same tree", func(t *testing.T, _ *server, work string, _ plan.Revision) {
			runGit(t, work, "commit", "-q", "--amend", "-m", "in other words")
		}},
		{"forgotten by the server", func(t *testing.T, s *server, work string, first plan.Revision) {
			runGit(t, s.dir, "update-ref", "refs/heads/main", string(first))
			runGit(t, s.dir, "reflog", "expire", "--expire=now", "--all")
			runGit(t, s.dir, "gc", "-q", "--prune=now")
			runGit(t, work, "reset", "-q", "--hard", string(first))
			write(t, work, map[string]string{"train/lib/a.py": "a = 2\n"})
			runGit(t, work, "commit", "-q", "-am", "after")
		}},
	}
	for _, test := range changes {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, specs())
			first, work := s.tip(t), s.clone(t)
			write(t, work, map[string]string{"models.cue": "package models\n// second\n", "more.cue": "package models\n"})
			s.publish(t, work, "second")
			repos := []*Repo{steady(t, options(s.url)), steady(t, options("file://"+s.dir))}
			for _, repo := range repos {
				asGit(t, s, latest(t, repo))
			}
			test.change(t, s, work, first)
			runGit(t, work, "push", "-q", "-f", "origin", "main")
			for _, repo := range repos {
				asGit(t, s, latest(t, repo))
			}
			write(t, work, map[string]string{"models.cue": "package models\n// third\n"})
			s.publish(t, work, "third")
			for _, repo := range repos {
				asGit(t, s, latest(t, repo))
			}
		})
	}
}

// What does not fit to what is known is fetched once more as if nothing were known, and never again and again.
func TestFetchAfresh(t *testing.T) {
	asks := func(r *http.Request) bool { // for what is new to a commit that is known
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return post(r, "upload-pack") && bytes.Contains(body, []byte("have "))
	}
	answered := func(answer func(w http.ResponseWriter, whole []byte)) func(*server, *Repo) {
		return func(s *server, _ *Repo) {
			s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if !asks(r) {
					next.ServeHTTP(w, r)
					return
				}
				recorder := httptest.NewRecorder()
				next.ServeHTTP(recorder, r)
				answer(w, recorder.Body.Bytes())
			})
		}
	}
	tests := map[string]func(*server, *Repo){
		"a server that errs":      answered(func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusInternalServerError) }),
		"a server without a word": answered(func(http.ResponseWriter, []byte) {}),
		"half a pack":             answered(func(w http.ResponseWriter, whole []byte) { _, _ = w.Write(whole[:len(whole)-60]) }),
		"an object that was lost": func(_ *server, r *Repo) { lose(r, "train/lib/a.py") },
		"the base of a delta":     func(_ *server, r *Repo) { lose(r, "long.py") },
	}
	for name, setup := range tests {
		t.Run(name, func(t *testing.T) {
			long := strings.Repeat("a line of many that stay\n", 100)
			s := serve(t, map[string]string{"models.cue": "package models\n", "train/lib/a.py": "a = 1\n", "long.py": long})
			work, repo := s.clone(t), open(t, options(s.url))
			latest(t, repo)
			setup(s, repo)
			afresh := 0
			repo.afresh = func(error) { afresh++ }
			write(t, work, map[string]string{"long.py": long + "and one\n"})
			s.publish(t, work, "edit")
			asGit(t, s, latest(t, repo))
			if afresh != 1 {
				t.Errorf("fetched afresh %d times; want once", afresh)
			}
			s.inject(nil)
			write(t, work, map[string]string{"train/run.py": "print(2)\n"})
			s.publish(t, work, "another")
			asGit(t, s, latest(t, repo))
			if afresh != 1 {
				t.Errorf("fetched afresh %d times after that; want none", afresh-1)
			}
		})
	}
}

// lose makes a Repo forget a file of the tree that it knows.
func lose(repo *Repo, name string) {
	last := repo.known()
	entry, _ := last.find(rootEntry(last.commit.TreeHash), name)
	delete(last.store.(*memory.Storage).Objects, entry.Hash) //nolint:forcetypeassert // it is
}

// A server that fails in every way is asked twice and no more, and what was known is not forgotten for that.
func TestFetchAfreshFails(t *testing.T) {
	s := serve(t, specs())
	work, repo := s.clone(t), open(t, options(s.url))
	latest(t, repo)
	write(t, work, map[string]string{"models.cue": "package models\n// edit\n"})
	tip := s.publish(t, work, "edit")
	posts := 0
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "upload-pack") {
			posts++
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	if _, err := repo.Fetch(aMinute(t), tip); err == nil || posts != 2 {
		t.Errorf("Fetch = %v after %d requests for objects; want an error after 2", err, posts)
	}
	s.inject(nil)
	repo.afresh = func(why error) { t.Errorf("fetched afresh: %v", why) }
	asGit(t, s, latest(t, repo))
}

// I7: the limits hold for all that is kept, however little of it was sent.
func TestFetchLimitsOfTheWhole(t *testing.T) {
	for name, tighten := range map[string]func(*limits){
		"content": func(l *limits) { l.content = 6000 },
		"objects": func(l *limits) { l.objects = 6 },
	} {
		s := serve(t, map[string]string{"models.cue": "package models\n", "a": strings.Repeat("a", 2500), "b": strings.Repeat("b", 2500)})
		work, repo := s.clone(t), open(t, options(s.url))
		tighten(&repo.limits)
		latest(t, repo)
		write(t, work, map[string]string{"c": strings.Repeat("c", 2500), "d": "d"})
		tip := s.publish(t, work, "more")
		if _, err := repo.Fetch(aMinute(t), tip); !errors.Is(err, errTooLarge) {
			t.Errorf("%s: Fetch = %v; want %v", name, err, errTooLarge)
		}
	}
}

// TestFault13Once: a commit that is too large is sent once, and not at every look (I7).
func TestFault13Once(t *testing.T) {
	s := serve(t, map[string]string{"models.cue": strings.Repeat("x", 5000)})
	sent := 0
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if post(r, "upload-pack") {
			sent++
		}
		next.ServeHTTP(w, r)
	})
	repo := open(t, options(s.url))
	repo.limits.content = 1000
	var said [2]string
	for i := range said {
		_, err := repo.Fetch(aMinute(t), s.tip(t))
		if !errors.Is(err, errTooLarge) {
			t.Fatal(err)
		}
		said[i] = err.Error()
	}
	if sent != 1 || said[0] != said[1] {
		t.Errorf("it was sent %d times, and what is said is %q", sent, said)
	}
	work := s.clone(t)
	write(t, work, map[string]string{"models.cue": "small\n"})
	if _, err := repo.Fetch(aMinute(t), s.publish(t, work, "mended")); err != nil {
		t.Error(err)
	}
}
