package review_test

import (
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestLive compares on top of what the engines hold: a search that is there is not started again, and drift is told as such.
func TestLive(t *testing.T) {
	base, head := fleet(3), fleet(3)
	for i := range 2 {
		head.Models[i].Train.Revision, head.Models[i].Digests.Search = "2", schema.Digest("v1-"+strings.Repeat(string(rune('a'+i)), 64))
	}
	settings := render.Settings{Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}}
	live := plan.Done(base, settings)
	there := render.SearchRef(head.Models[0]) // somebody asked for it before
	live.Objects[there] = []plan.Observed{{
		Ref: there, Model: head.Models[0].Name, Digest: head.Models[0].Digests.Search, UID: "1", Seen: "1", Phase: plan.Running,
	}}
	edited := render.DeploymentRef(head.Models[2].Serve[0])
	live.Objects[edited][0].Digest = ""
	r := review.Make(review.Input{
		Base: review.Side{Name: "main", Catalog: base}, Head: review.Side{Name: "feature", Catalog: head}, Settings: settings,
		Limits: plan.Limits{Deletions: 5, ExperimentsPerHour: 200}, Live: &live, Now: time.Unix(1_000_000, 0),
	})
	text := r.String()
	for _, want := range []string{
		"rerun: 10 experiments as model-00001", "production: update: release 1 as SeldonDeployment ml/model-00002",
		"note  nothing of it changed in git: main asks for this too", "Plan: 1 to rerun (10 experiments), 1 to build, 1 to update",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "10 experiments as model-00000") {
		t.Errorf("a search that is there is started again:\n%s", text)
	}
}
