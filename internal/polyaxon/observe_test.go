package polyaxon

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// TestI10OneSearchHangs: where the experiments of one search do not come the others are as they are, and in time.
func TestI10OneSearchHangs(t *testing.T) {
	const searches = 9
	e, _ := replies(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		switch {
		case strings.HasPrefix(query, "kind:matrix"):
			var all []string
			for i := range searches {
				all = append(all, fmt.Sprintf(`{"uuid":"%032x","name":"m%d","kind":"matrix","meta_info":{"trefoil":"r-1"},"status":"succeeded"}`, i, i))
			}
			_, _ = fmt.Fprintf(w, `{"count":%d,"results":[%s]}`, searches, strings.Join(all, ","))
		case query == fmt.Sprintf("pipeline:%032x", 0):
			<-r.Context().Done()
		default:
			_, _ = fmt.Fprintf(w, `{"count":1,"results":[{"uuid":"%032x","status":"succeeded","pipeline":{"uuid":%q}}]}`, 99, strings.TrimPrefix(query, "pipeline:"))
		}
	})
	e.look = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	live, err := e.Observe(ctx)
	if err != nil || len(live.Objects) != searches {
		t.Fatalf("%d searches: %v", len(live.Objects), err)
	}
	for i := range searches {
		want, message := plan.Succeeded, ""
		if i == 0 {
			want, message = plan.Running, "could not be read"
		}
		o := live.Objects[render.Ref{Kind: render.Search, Name: fmt.Sprintf("m%d", i)}]
		if len(o) != 1 || o[0].Phase != want || !strings.Contains(o[0].Message, message) {
			t.Errorf("m%d: %+v", i, o)
		}
	}
}
