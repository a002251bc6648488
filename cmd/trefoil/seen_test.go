package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const revision = plan.Revision("3fb8c6c000000000000000000000000000000000")

func TestSeen(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	const lease = 15 * time.Second
	status := reconcile.Status{Holder: "trefoil-0/1/X", Revision: revision, Since: now.Add(-12 * time.Minute), Written: now.Add(-time.Minute)}
	failing := status
	failing.Error, failing.ErrorSince = "the spec repository: refused", now.Add(-time.Hour)
	waiting := status
	waiting.More = 7
	waiting.Waits = []reconcile.Wait{{Reason: "polyaxon: down", Since: now.Add(-2 * time.Minute)}, {Reason: "seen by both", Since: now}}
	for _, tc := range []struct {
		name string
		seen seen
		want []string
	}{
		{"leads", seen{term: kube.Term{Holder: "trefoil-0/1/X", Renewed: now.Add(-3 * time.Second), Length: lease}, status: status},
			[]string{"daemon: trefoil-0 leads, seen 3s ago, plans on 3fb8c6c since 12m ago"}},
		{"a clock ahead of ours", seen{term: kube.Term{Holder: "trefoil-0/1/X", Renewed: now.Add(time.Hour), Length: lease}},
			[]string{"daemon: trefoil-0 leads, seen 0s ago"}},
		{"fails", seen{term: kube.Term{Holder: "trefoil-0/1/X", Renewed: now, Length: lease}, status: failing}, []string{
			"daemon: trefoil-0 leads, seen 0s ago, plans on 3fb8c6c since 12m ago",
			"daemon: since 60m ago it can do nothing: the spec repository: refused",
		}},
		{"waits", seen{term: kube.Term{Holder: "trefoil-0/1/X", Renewed: now, Length: lease}, status: waiting}, []string{
			"daemon: trefoil-0 leads, seen 0s ago, plans on 3fb8c6c since 12m ago",
			"daemon: for 2m: polyaxon: down",
			"daemon: and 7 more holds and failures",
		}},
		{"dead", seen{term: kube.Term{Holder: "trefoil-0/1/X", Renewed: now.Add(-2*time.Hour - 13*time.Minute), Length: lease}, status: status},
			[]string{"daemon: not seen for 133m (last: trefoil-0): nothing moves until one runs"}},
		{"stopped", seen{term: kube.Term{Renewed: now.Add(-time.Second), Length: time.Second}, status: status},
			[]string{"daemon: not seen for 1s (last: trefoil-0): nothing moves until one runs"}},
		{"none", seen{}, []string{"daemon: none has reported yet: nothing moves until one runs (trefoil run)"}},
		{"no right", seen{fault: "lease: forbidden"}, []string{"daemon: unknown: lease: forbidden"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.seen.now = now
			pass := reconcile.Pass{Live: plan.Live{Unknown: map[render.Kind]string{render.Search: "seen by both"}}}
			if diff := cmp.Diff(tc.want, tc.seen.lines(pass)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestTold adds what the daemon knows to what the command sees: ages, failures, and holds where the command sees no reason to wait.
func TestTold(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	long := "why " + string(slices.Repeat([]byte("x"), 400))
	s := seen{now: now, status: reconcile.Status{Revision: revision, Waits: []reconcile.Wait{
		{Model: "a", Reason: "fetch: sha256 of f: no such file", Failed: true, Since: now.Add(-12 * time.Minute)},
		{Model: "a", Environment: "staging", Reason: "waits for the first release", Since: now.Add(-3 * time.Hour)},
		{Model: "b", Reason: "polyaxon: 403", Since: now.Add(-time.Minute)},
		{Model: "c", Reason: "search running, 3 of 9", Since: now},
		{Model: "d", Reason: reconcile.Reason(long), Since: now.Add(-time.Minute)},
	}}}
	states := func() []state {
		return []state{
			{Model: "a", State: []string{"next: fetch: sha256 of f"}}, {Model: "a", Environment: "staging", State: []string{"waits for the first release"}},
			{Model: "b", State: []string{"next: search: 9 experiments"}}, {Model: "c", State: []string{"search running, 4 of 9"}}, {Model: "d", State: []string{long}},
		}
	}
	want := [][]string{
		{"next: fetch: sha256 of f", "failed: fetch: sha256 of f: no such file (12m ago)"}, {"waits for the first release (for 3h)"},
		{"next: search: 9 experiments", "the daemon waits: polyaxon: 403 (for 60s)"}, {"search running, 4 of 9"}, {long + " (for 60s)"},
	}
	check := func(pass reconcile.Pass) {
		t.Helper()
		var got [][]string
		for _, x := range s.told(states(), pass) {
			got = append(got, x.State)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	check(reconcile.Pass{Revision: revision})
	want[2] = want[2][:1] // the daemon has not seen the newest commit yet
	check(reconcile.Pass{Revision: "another"})
}

// TestToldChecked: whether a model answers its check only the daemon knows.
func TestToldChecked(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	environments := []schema.Environment{{Name: "canary", Check: &schema.Check{}}, {Name: "production"}, {Name: "staging", Check: &schema.Check{}}}
	pass := reconcile.Pass{Revision: revision, Catalog: schema.Catalog{Models: []schema.Model{{Name: "a", Serve: environments}}}}
	s := seen{now: now, term: kube.Term{Holder: "x", Renewed: now, Length: time.Minute}, status: reconcile.Status{Revision: revision, Waits: []reconcile.Wait{
		{Model: "a", Environment: "staging", Reason: "release 2 fails its check", Since: now.Add(-3 * time.Hour)},
	}}}
	states := func() []state {
		return []state{
			{Model: "a", Environment: "canary", State: []string{available}}, {Model: "a", Environment: "production", State: []string{available}},
			{Model: "a", Environment: "staging", State: []string{available}},
		}
	}
	check := func(want ...string) {
		t.Helper()
		var got []string
		for _, x := range s.told(states(), pass) {
			got = append(got, strings.Join(x.State, "; "))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	check(available, available, "release 2 fails its check (for 3h)")
	const unknown = "available, as far as the cluster says: its check is asked by the daemon"
	s.term.Renewed = now.Add(-time.Hour)
	check(unknown, available, unknown)
}

// TestSeenAlone is what a person sees whose repository can't be read: what the daemon said last of the models that were asked for.
func TestSeenAlone(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := seen{now: now, term: kube.Term{Holder: "trefoil-0/1/X", Renewed: now, Length: time.Minute}}
	s.status.Waits = []reconcile.Wait{
		{Reason: "polyaxon: down", Since: now.Add(-2 * time.Minute)},
		{Model: "fraud", Reason: "search running, 1 of 2 experiments", Since: now},
		{Model: "mnist", Environment: "production", Reason: "waits for release 2", Since: now.Add(-time.Hour)},
	}
	want := []string{
		"daemon: trefoil-0 leads, seen 0s ago",
		"revision: polyaxon: down (for 2m)",
		"mnist/production: waits for release 2 (for 60m)",
	}
	if diff := cmp.Diff(want, s.alone([]string{"mnist"})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
