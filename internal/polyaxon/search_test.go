package polyaxon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
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
