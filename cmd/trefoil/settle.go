package main

import (
	"context"
	"errors"
	"slices"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// settle lets the daemon of a working repository go on until nothing moves any more, and says what is left to wait for.
func (a *app) settle(ctx context.Context, d *daemon) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var last reconcile.Pass
	d.told = func(pass reconcile.Pass, err error) {
		switch {
		case err != nil:
			cancel(err)
		case settled(pass):
			last = pass
			cancel(errSettled)
		}
	}
	err := d.lead(inner)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errors.New("stopped before all had come to rest; the next run goes on from there")
	case !errors.Is(context.Cause(inner), errSettled):
		return context.Cause(inner)
	}
	rest := last.Plan
	rest.Holds = append(slices.Clone(rest.Holds), last.Failed...)
	if err := a.printPlan(rest, 0, false); err != nil {
		return err
	}
	if len(last.Failed) > 0 || failed(last.Live) || unmet(last.Plan) {
		return exit{code: 1}
	}
	return nil
}

var errSettled = errors.New("nothing moves any more")

// settled reports whether nothing moves without people: nothing is planned, or all that is planned fails, no object is under way, and
// all models have answered their checks.
func settled(pass reconcile.Pass) bool {
	moves := func(o plan.Observed) bool { return o.Phase == plan.Running }
	open := func(q plan.Ask) bool { return !q.Answered }
	return (len(pass.Plan.Actions) == 0 || len(pass.Failed) > 0) && len(pass.Stale) == 0 &&
		!slices.ContainsFunc(objectsOf(pass.Live), moves) && !slices.ContainsFunc(pass.Plan.Asks, open)
}

// unmet reports whether a model has answered otherwise than its check expects.
func unmet(p plan.Plan) bool {
	return slices.ContainsFunc(p.Asks, func(q plan.Ask) bool { return !q.Met })
}

// failed reports whether an object has come to nothing.
func failed(live plan.Live) bool {
	return slices.ContainsFunc(objectsOf(live), func(o plan.Observed) bool { return o.Phase == plan.Failed })
}

func objectsOf(live plan.Live) []plan.Observed {
	var all []plan.Observed
	for ref, list := range live.Objects {
		if ref.Kind != render.Claim {
			all = append(all, list...)
		}
	}
	return all
}

// served reports whether anything answers.
func served(live plan.Live) bool {
	return slices.ContainsFunc(objectsOf(live), func(o plan.Observed) bool {
		return o.Ref.Kind == render.SeldonDeployment && o.Phase == plan.Succeeded
	})
}
