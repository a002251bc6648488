package gitrepo

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// without is a server that knows nothing of a word of git's protocol: it does not say it, and passes over it where it is said.
func (s *server) without(word string) {
	other := strings.Repeat("x", len(word))
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if body, err := io.ReadAll(r.Body); err == nil && r.Method == http.MethodPost {
			end := min(len(body), 1<<10) // of the first lines: what follows may be a pack
			body = append(bytes.ReplaceAll(body[:end:end], []byte(word), []byte(other)), body[end:]...)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		if r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		said := httptest.NewRecorder()
		next.ServeHTTP(said, r)
		w.Header().Set("Content-Type", said.Header().Get("Content-Type"))
		w.WriteHeader(said.Code)
		_, _ = w.Write(bytes.ReplaceAll(said.Body.Bytes(), []byte(word), []byte(other))) // a client that is gone needs none
	})
}

// TestServerLacks: a server that lacks what Trefoil can do without is read and written, and of one that lacks what it needs that is said.
func TestServerLacks(t *testing.T) {
	for word, want := range map[string]string{
		"thin-pack": "", "ofs-delta": "", "side-band-64k": "", "side-band": "", "multi_ack_detailed": "", "multi_ack": "", "no-progress": "",
		"include-tag": "",
		"agent":       "", "quiet": "", "atomic": "", "delete-refs": "", "report-status": "", "object-format": "", "symref": "",
		"shallow": "the server cannot send a commit without its history (git calls that shallow)",
	} {
		t.Run(word, func(t *testing.T) {
			s := serve(t, specs())
			s.without(word)
			repo := open(t, options(s.url))
			tip, err := repo.Tip(aMinute(t))
			if err != nil {
				t.Fatal(err)
			}
			_, err = repo.Fetch(aMinute(t), tip)
			if want != "" {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Fetch = %v; want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s.grow(t, models(1, 1))
			latest(t, repo)
			if made, err := repo.Commit(aMinute(t), s.tip(t), selection("m", "x")); err != nil || made != s.tip(t) {
				t.Errorf("Commit = %q, %v", made, err)
			}
		})
	}
}
