package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// answers are what becomes of questions to served models.
const answers render.Kind = "Answer"

// answer is what a served model says.
func (h *history) answer(_ context.Context, at render.Ref, _ []byte) ([]byte, error) {
	image, score := "", 0.9
	for _, o := range h.live(h.cluster.Observe) {
		if o.Ref == at {
			image = o.Image
		}
	}
	switch fate := h.fates[answers]; {
	case fate == "none" || h.failing != "" && at.Name == h.failing:
		return nil, errors.New("nothing answers there")
	case fate == "wrong":
		score = 0.1
	case fate == "another's":
		image = "registry.example/another"
	}
	return fmt.Appendf(nil, `{"data": {"ndarray": [[%v]]}, "meta": {"requestPath": {"model": %q}}}`, score, image), nil
}

// answered checks that an environment with a check is held until its model has given the right answer, and that what it moves away from
// stays until then.
func (h *history) answered(p reconcile.Pass) {
	right := map[render.Ref]bool{}
	for _, objects := range p.Live.Objects {
		for _, o := range objects {
			right[o.Ref] = o.Answer != nil && o.Answer.Numbers["data.ndarray.0.0"] >= 0.5 && slices.Equal(o.Answer.Images, []string{o.Image})
		}
	}
	for _, q := range p.Plan.Asks {
		if !q.Answered || q.Met != right[q.At] || q.Met == held(p, p.Live.Objects[q.At][0]) {
			h.Fatalf("%+v of %+v, and the plan is\n%s", q, p.Live.Objects[q.At][0].Answer, p.Plan)
		}
	}
	for _, a := range p.Plan.Actions {
		r, ok := a.(plan.Remove)
		if !ok || !strings.HasPrefix(r.Reason, "moved to ") || !h.people[r.Object.Model].checked {
			continue
		}
		namespace, name, _ := strings.Cut(strings.TrimPrefix(r.Reason, "moved to "), "/")
		if r.Object.Environment == "staging" && !right[render.Ref{Kind: render.SeldonDeployment, Namespace: namespace, Name: name}] {
			h.Fatalf("%s goes before the answer at its new place is right:\n%s", r.Object.Ref, p.Plan)
		}
	}
}

// held reports whether the environment of an object waits.
func held(p reconcile.Pass, o plan.Observed) bool {
	return slices.ContainsFunc(p.Plan.Holds, func(x plan.Hold) bool {
		return x.Model == o.Model && x.Environment == o.Environment && strings.Contains(x.Reason, "check")
	})
}
