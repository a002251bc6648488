package polyaxon

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestI4NoFile: what is no file is not hashed, and neither is the file of another run.
func TestI4NoFile(t *testing.T) {
	for name, tc := range map[string]struct {
		uid  int
		code int
		want string
	}{
		"another run": {2, http.StatusOK, "is answered with another one"},
		"no content":  {1, http.StatusNoContent, "204: a file is answered by 200"},
	} {
		t.Run(name, func(t *testing.T) {
			e, w := replies(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/streams/") {
					w.WriteHeader(tc.code)
					return
				}
				_, _ = fmt.Fprintf(w, `{"uuid":"%032x"}`, tc.uid)
			})
			err := e.Fetch(t.Context(), fmt.Sprintf("%032x", 1), "model.dat")
			if err == nil || !strings.Contains(err.Error(), tc.want) || w.count() != tc.uid%2+1 {
				t.Errorf("%v after %q", err, w.calls)
			}
		})
	}
}
