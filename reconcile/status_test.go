package reconcile_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

func reporter() reconcile.Reporter {
	return reconcile.Reporter{Holder: "trefoil-0/1/X", Redact: strings.NewReplacer("canary", "***").Replace}
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

const tip = plan.Revision("0123456789abcdef0123456789abcdef01234567")

// TestStatusKeepsTimes: what stays keeps the time since when it is so, and where nothing is new the bytes stay (I8).
func TestStatusKeepsTimes(t *testing.T) {
	waits := reconcile.Pass{Revision: tip, Plan: plan.Plan{Holds: []plan.Hold{{Model: "mnist", Reason: "search running, 1 of 2"}}}}
	first := reporter().After(reconcile.Status{}, waits, nil, noon)
	again := reporter().After(first, waits, nil, noon.Add(time.Hour))
	if !bytes.Equal(first.Encode(), again.Encode()) {
		t.Errorf("first\n%s\nagain\n%s", first.Encode(), again.Encode())
	}
	down := reporter().After(again, reconcile.Pass{}, errors.New("the spec repository: refused\nfor canary"), noon.Add(2*time.Hour))
	want := first
	want.Written, want.ErrorSince, want.Error = noon.Add(2*time.Hour), noon.Add(2*time.Hour), "the spec repository: refused for ***"
	if diff := cmp.Diff(want, down); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if up := reporter().After(down, waits, nil, noon.Add(3*time.Hour)); up.Error != "" || !up.Waits[0].Since.Equal(noon) || !up.Since.Equal(noon) {
		t.Errorf("after a good pass: %+v", up)
	}
}

// TestStatusKeepsFailures: a failure stays while its action is under way again, and goes when that is no longer planned.
func TestStatusKeepsFailures(t *testing.T) {
	fetch := plan.Fetch{Model: "mnist", Experiment: "f1c2a0b3", Path: "model.dat"}
	reason := "fetch: sha256 of model.dat of experiment f1c2a0b3: the store answers canary: 404"
	failed := reconcile.Pass{Revision: tip, Plan: plan.Plan{Actions: []plan.Action{fetch}}, Failed: []plan.Hold{{Model: "mnist", Reason: reason}}}
	s := reporter().After(reconcile.Status{}, failed, nil, noon)
	failed.Failed = nil
	s = reporter().After(s, failed, nil, noon.Add(time.Minute))
	want := []reconcile.Wait{{Model: "mnist", Reason: strings.Replace(reason, "canary", "***", 1), Failed: true, Since: noon}}
	if diff := cmp.Diff(want, s.Waits); diff != "" {
		t.Errorf("while it is tried again, -want +got:\n%s", diff)
	}
	failed.Plan.Actions = nil
	if s = reporter().After(s, failed, nil, noon.Add(2*time.Minute)); len(s.Waits) != 0 {
		t.Errorf("after it was done: %+v", s.Waits)
	}
}

// TestStatusIsBounded has a fleet wait for an engine that is down, and for as many other reasons (I7).
func TestStatusIsBounded(t *testing.T) {
	down := strings.Repeat("\U0001F995 & <down> ", 1000)
	pass := reconcile.Pass{Revision: tip, Live: plan.Live{Unknown: map[render.Kind]string{render.Search: down, render.Claim: down}}}
	for i := range 5000 {
		pass.Plan.Holds = append(pass.Plan.Holds, plan.Hold{Model: fmt.Sprintf("a%04d", i), Reason: down}, plan.Hold{Model: fmt.Sprintf("b%04d", i), Reason: down + "!"})
	}
	pass.Failed = []plan.Hold{{Model: "z", Reason: "serve: refused"}}
	s := reporter().After(reconcile.Status{}, pass, nil, noon)
	if len(s.Waits) != 300 || s.More != 4702 || s.Waits[0].Model != "z" || s.Waits[1].Model != "" {
		t.Errorf("%d waits and %d more, first %+v", len(s.Waits), s.More, s.Waits[:2])
	}
	if n := len(s.Encode()); n > 512<<10 {
		t.Errorf("%d bytes", n)
	}
}

// TestStatusKeepsAdvice: of a hold that is too long the middle goes, so that it still says what it is about and what to try; a failure
// is known by its action all the same.
func TestStatusKeepsAdvice(t *testing.T) {
	const begins, ends = "build of release 1 failed: package: wait: Error (exit code 64)", "; trefoil retry mnist builds it again (Workflow argo/mnist-pkg-1f2e)"
	record := plan.Record{Word: "record", Model: "mnist", Subject: "release 1 is registry.example/" + strings.Repeat("team/", 40) + "mnist@sha256:0f"}
	pass := reconcile.Pass{
		Revision: tip,
		Plan: plan.Plan{
			Actions: []plan.Action{record},
			Holds:   []plan.Hold{{Model: "mnist", Reason: begins + strings.Repeat(" \U0001F995 forbidden", 100) + ends}},
		},
		Failed: []plan.Hold{{Model: "mnist", Reason: strings.TrimPrefix(record.String(), "mnist: ") + ": " + strings.Repeat("refused ", 40)}},
	}
	s := reporter().After(reconcile.Status{}, pass, nil, noon)
	if hold := s.Waits[1].Reason; !strings.HasPrefix(hold, begins) || !strings.HasSuffix(hold, ends) || len([]rune(hold)) != 300 {
		t.Errorf("%d characters: %s", len([]rune(hold)), hold)
	}
	failed := s.Waits[0]
	pass.Failed = nil
	if s = reporter().After(s, pass, nil, noon.Add(time.Minute)); len(s.Waits) != 2 || s.Waits[0] != failed {
		t.Errorf("while it is tried again: %+v", s.Waits)
	}
}

// FuzzParseStatus: whatever somebody wrote there, what people are shown is bounded and printable, and can be written again.
func FuzzParseStatus(f *testing.F) {
	f.Add(reporter().After(reconcile.Status{}, reconcile.Pass{Revision: tip, Failed: []plan.Hold{{Model: "m", Reason: "r"}}}, nil, noon).Encode())
	f.Add([]byte(`{"holder": "\u001b[2J", "written": "9999-12-31T23:59:59-23:59", "waits": [{"model": "a\nb"}, null], "more": -5}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := reconcile.ParseStatus(text)
		if err != nil {
			return
		}
		for _, shown := range append([]string{s.Holder, s.Error, string(s.Revision)}, texts(s)...) {
			if strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) || len([]rune(shown)) > 300 {
				t.Errorf("shows %q", shown)
			}
		}
		again, err := reconcile.ParseStatus(s.Encode())
		if err != nil || !bytes.Equal(again.Encode(), s.Encode()) || len(s.Waits) > 300 || s.More < 0 {
			t.Errorf("%v\n%s\n%s", err, s.Encode(), again.Encode())
		}
	})
}

func texts(s reconcile.Status) []string {
	var all []string
	for _, w := range s.Waits {
		all = append(all, w.Model, w.Environment, w.Reason)
	}
	return all
}
