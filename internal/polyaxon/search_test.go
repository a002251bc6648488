package polyaxon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// TestI1NothingIsSentAfterSleep: a machine that was suspended finds its context alive, as the clock of that stood still too. By
// the wall clock the claim may be another daemon's by then.
func TestI1NothingIsSentAfterSleep(t *testing.T) {
	for name, tc := range map[string]struct {
		method string // the first request of it ends in the sleep
		posts  int
		stale  bool
	}{
		"awake":                  {"", tries(http.MethodPost), false},
		"in the look-up":         {http.MethodGet, 0, true},
		"before the second post": {http.MethodPost, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, w := replies(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.WriteHeader(http.StatusMethodNotAllowed)
					return
				}
				_, _ = io.WriteString(w, `{"count":0,"results":[]}`)
			})
			var slept atomic.Bool
			e.now = func() time.Time {
				if slept.Load() {
					return time.Now().Add(2 * time.Minute)
				}
				return time.Now()
			}
			w.fault = func(r *http.Request, through func() (*http.Response, error)) (*http.Response, error) {
				reply, err := through()
				if r.Method == tc.method {
					slept.Store(true)
				}
				return reply, err
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := e.Apply(ctx, object("mnist", 1, nil), ""); err == nil || errors.Is(err, reconcile.ErrStale) != tc.stale {
				t.Errorf("error %v, want a stale one: %t", err, tc.stale)
			}
			w.wantPosts(t, tc.posts)
		})
	}
}

// TestI1NotFoundByAccident: where a proxy says 404 for a moment the project is there after all, and is looked into before a create.
func TestI1NotFoundByAccident(t *testing.T) {
	search := object("mnist", 1, nil)
	meta := fmt.Sprintf(`{"trefoil":"r-1","model":"mnist","digest":%q}`, search.Digest)
	lost := true
	e, w := replies(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusBadRequest) // the project is there already
		case strings.HasSuffix(r.URL.Path, "/runs") && lost:
			lost = false
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = fmt.Fprintf(w, `{"count":1,"results":[{"uuid":"%032x","kind":"matrix","meta_info":%s}]}`, 1, meta)
		}
	})
	if err := e.Apply(t.Context(), search, ""); err != nil {
		t.Error(err)
	}
	w.wantPosts(t, 1)
}

// TestI9QueryIsIgnored: what a server lists without having been asked for is not ours, and no search of ours.
func TestI9QueryIsIgnored(t *testing.T) {
	search := object("mnist", 1, nil)
	for name, run := range map[string]string{
		"of another repository": fmt.Sprintf(`"kind":"matrix","meta_info":{"trefoil":"r-2","model":"mnist","digest":%q}`, search.Digest),
		"of another kind":       fmt.Sprintf(`"kind":"job","meta_info":{"trefoil":"r-1","model":"mnist","digest":%q}`, search.Digest),
		"of nobody":             `"kind":"matrix","meta_info":null`,
	} {
		t.Run(name, func(t *testing.T) {
			e, w := replies(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.WriteHeader(http.StatusCreated)
				}
				_, _ = fmt.Fprintf(w, `{"count":1,"results":[{"uuid":"%032x",%s}]}`, 1, run)
			})
			if live, err := e.Observe(t.Context()); err != nil || len(live.Objects) > 0 {
				t.Errorf("%+v, %v", live, err)
			}
			if err := e.Apply(t.Context(), search, ""); err != nil {
				t.Error(err)
			}
			w.wantPosts(t, 1)
		})
	}
}

// TestI4QueryIsIgnored: runs of another search are no experiments of this one.
func TestI4QueryIsIgnored(t *testing.T) {
	e, _ := replies(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"count":2,"results":[{"uuid":"%032x","kind":"matrix","meta_info":{"trefoil":"r-1"}},
			{"uuid":"%032x","kind":"job","pipeline":{"uuid":"%032x"},"status":"succeeded"}]}`, 1, 2, 3)
	})
	live, err := e.Observe(t.Context())
	for _, o := range live.Objects[render.Ref{Kind: render.Search}] {
		if len(o.Experiments) > 0 {
			t.Errorf("%+v", o)
		}
	}
	if err != nil || len(live.Objects) != 1 {
		t.Error(live, err)
	}
}
