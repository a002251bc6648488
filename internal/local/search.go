package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/local/space"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// errStopped ends the work on an object that is to be stopped or was removed; any other end of its context is that of this process.
var errStopped = errors.New("stopped")

// search is a Search as the planner sees it.
func (e *Engine) search(r record) plan.Observed {
	o := r.observed()
	o.Ending = r.Stop && r.Phase == plan.Running
	points, wrong := e.points(r)
	if wrong != nil { // which is no error of observing
		o.Phase, o.Message, o.Ended = plan.Failed, wrong.Error(), r.Created
	}
	for n, point := range points {
		x := e.place(r.UID, n)
		s, err := x.read()
		if err != nil { // one file that can't be read is that search's concern alone
			o.Phase, o.Message, o.Ended = plan.Failed, reconcile.Line(err.Error()), r.Created
		}
		o.Experiments = append(o.Experiments, plan.Experiment{
			UID: x.uid, Created: r.Created.Add(time.Duration(n) * time.Millisecond), Ended: s.Ended, Phase: phase(r, s), Params: params(r, point),
			Metrics: floats(s.Metrics), Artifacts: s.Artifacts,
		})
	}
	return o
}

// phase is an experiment's. One that has not ended when its search has was stopped with it.
func phase(r record, s state) plan.Phase {
	switch {
	case !s.Ended.IsZero():
		return s.Phase
	case r.Phase != plan.Running:
		return plan.Stopped
	}
	return plan.Running
}

// params are those of an experiment: the point, and the inputs that it leaves alone.
func params(r record, point map[string]any) map[string]any {
	o, err := r.operation()
	if err != nil {
		return point
	}
	all := o.values(point, place{})
	delete(all, "globals.artifacts_path")
	delete(all, "globals.run_outputs_path")
	return all
}

func floats(metrics map[string]metric) map[string]float64 {
	all := map[string]float64{}
	for name, v := range metrics {
		all[name] = float64(v)
	}
	return all
}

// points are the parameters of the experiments of a search, in order. They are a function of the search, and kept.
func (e *Engine) points(r record) ([]map[string]any, error) {
	e.states.Lock()
	defer e.states.Unlock()
	if known, found := e.spaces[r.UID]; found {
		return known, nil
	}
	matrix, _ := r.Body["matrix"].(map[string]any)
	points, err := space.Points(matrix)
	if err == nil {
		e.spaces[r.UID] = points
	}
	return points, err
}

// runSearch runs the experiments of a search that have not ended.
func (e *Engine) runSearch(ctx context.Context, r record) {
	err := e.experiments(ctx, r)
	switch {
	case errors.Is(context.Cause(ctx), errStopped):
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), draining)
		defer cancel()
		e.end(ctx, r, plan.Stopped, "")
	case ctx.Err() != nil: // this process ends: what has not ended is run again by the next one
	case err != nil:
		e.fail(ctx, r, err)
	default:
		e.end(ctx, r, plan.Succeeded, e.failures(r))
	}
}

// errNotBegun is of a search of which no experiment could begin for want of what it needs here.
var errNotBegun = errors.New("no experiment could begin")

// fail notes that the work on an object came to nothing.
func (e *Engine) fail(ctx context.Context, r record, why error) {
	again := r.Kind == render.Workflow || errors.Is(why, errNotBegun)
	message := why.Error()
	if again {
		message += fmt.Sprintf("; it is tried again in %v, and by the next run", repeat)
	}
	e.until(ctx, "the failure of "+r.ref().String(), func() error {
		return e.set(r, func(r *record) bool {
			r.Phase, r.Message, r.Ended, r.Again = plan.Failed, reconcile.Line(message), e.now(), again
			return true
		})
	})
}

// experiments returns once all have ended. The error says why none could begin.
func (e *Engine) experiments(ctx context.Context, r record) error {
	points, err := e.points(r)
	if err != nil {
		return err
	}
	o, err := r.operation()
	if err != nil {
		return err
	}
	code, err := e.prepare(ctx, r, o)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotBegun, err)
	}
	defer code.remove()
	slots := make(chan struct{}, o.concurrency())
	var all sync.WaitGroup
	defer all.Wait()
	for n, point := range points {
		x := e.place(r.UID, n)
		if s, err := x.read(); err == nil && !s.Ended.IsZero() {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		all.Go(func() {
			defer func() { <-slots }()
			e.experiment(ctx, trial{x, o, point, code})
		})
	}
	return nil
}

// failures says of how many experiments nothing came, and what the first of them said; empty for none.
func (e *Engine) failures(r record) string {
	points, _ := e.points(r) // has been asked before
	failed, first := 0, ""
	for n := range points {
		x := e.place(r.UID, n)
		s, err := x.read()
		if err != nil || s.Message == "" {
			continue
		}
		if failed++; first == "" {
			first = fmt.Sprintf("experiment %.8s: %s", x.uid, s.Message)
		}
	}
	if failed == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d experiments came to nothing, the first is %s", failed, len(points), first)
}
