package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// refusing is an engine, its evidence and a source that fail each change with the same error.
type refusing struct{ err error }

func (r refusing) Observe(context.Context) (plan.Live, error)               { return plan.Live{}, r.err }
func (r refusing) Apply(context.Context, render.Object, string) error       { return r.err }
func (r refusing) Remove(context.Context, render.Ref, string, string) error { return r.err }
func (r refusing) Fetch(context.Context, string, string) error              { return r.err }
func (r refusing) Tip(context.Context) (plan.Revision, error)               { return "", r.err }
func (r refusing) Commit(context.Context, plan.Revision, reconcile.Edit) (plan.Revision, error) {
	return "", r.err
}

func page(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// TestMetrics counts what was done, by labels that do not grow with the number of models and hold no words of others (I6, I7).
func TestMetrics(t *testing.T) {
	m := New()
	m.Lead(true)
	lines := func() int { return strings.Count(page(m), "\ntrefoil_") }
	var before int
	for round := range 3 {
		for i := range 100 {
			model := fmt.Sprintf("model-%d-%d", round, i)
			for _, err := range []error{nil, reconcile.ErrStale, errors.New("token canary refused")} {
				all := refusing{err}
				object := render.Object{Ref: render.Ref{Kind: render.Workflow, Name: model}, Model: model}
				_ = m.Engine(all).Apply(t.Context(), object, "")
				_ = m.Engine(all).Remove(t.Context(), object.Ref, "", "")
				_ = m.Searches(all).Fetch(t.Context(), model, model)
			}
			m.Pass(reconcile.Pass{
				Plan: plan.Plan{Holds: []plan.Hold{{Model: model, Reason: "canary"}}},
				Live: plan.Live{Unknown: map[render.Kind]string{render.Search: "canary"}},
			}, time.Second, nil)
		}
		m.Pass(reconcile.Pass{}, time.Second, errors.New("canary"))
		m.Webhook("taken")
		if round == 0 {
			before = lines()
		}
	}
	if now := lines(); now != before {
		t.Errorf("%d lines after 100 models, %d after 300", before, now)
	}
	text := page(m)
	for _, want := range []string{
		`trefoil_actions_total{action="create",object="Workflow",result="stale"} 300`,
		`trefoil_actions_total{action="fetch",object="Artifact",result="failed"} 300`,
		`trefoil_engine_unknown{kind="Search"} 1`, `trefoil_engine_unknown{kind="Claim"} 0`,
		`trefoil_passes_total{result="failed"} 3`, "trefoil_holds 1\n", "trefoil_leader 1\n", `trefoil_webhooks_total{result="taken"} 3`, "go_goroutines", "process_",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, never := range []string{"canary", "model-"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is on the page", never)
		}
	}
	m.Lead(false)
	if text := page(m); !strings.Contains(text, "trefoil_holds 0\n") || strings.Contains(text, "trefoil_engine_unknown{") {
		t.Error("one that does not lead speaks of models")
	}
}

// TestUntrustedTip is shown while it lasts, with a last good revision or without, and is not forgotten while git can't be asked.
func TestUntrustedTip(t *testing.T) {
	m := New()
	untrusted := fmt.Errorf("commit 1234567 is %w", reconcile.ErrUntrusted)
	for i, pass := range []struct {
		pass reconcile.Pass
		err  error
		want string
	}{
		{reconcile.Pass{}, nil, "0"},
		{reconcile.Pass{Untrusted: untrusted}, nil, "1"},
		{reconcile.Pass{}, errors.New("connection refused"), "1"},
		{reconcile.Pass{}, nil, "0"},
		{reconcile.Pass{}, untrusted, "1"},
	} {
		m.Pass(pass.pass, time.Second, pass.err)
		if line := "\ntrefoil_untrusted_tip " + pass.want + "\n"; !strings.Contains(page(m), line) {
			t.Errorf("after pass %d there is no line %q in\n%s", i, line, page(m))
		}
	}
}
