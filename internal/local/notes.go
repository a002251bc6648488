package local

import (
	"context"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// end notes how the work on an object ended, unless ctx ends first.
func (e *Engine) end(ctx context.Context, r record, phase plan.Phase, message string) {
	e.until(ctx, "what came of "+r.ref().String(), func() error {
		return e.set(r, func(r *record) bool {
			r.Phase, r.Message, r.Ended = phase, reconcile.Line(message), e.now()
			return true
		})
	})
}

// say notes what the work on an object is at. Where that is not possible, nothing is lost.
func (e *Engine) say(r record, message string) {
	_ = e.set(r, func(r *record) bool {
		changed := r.Message != message
		r.Message = message
		return changed
	})
}

// set changes the record of an object unless it was updated meanwhile.
func (e *Engine) set(r record, change func(*record) bool) error {
	defer e.options.Poke()
	return e.store.change(r.ref(), r.UID, func(now *record) bool { return now.Version == r.Version && change(now) })
}

// until notes something, again and again where the disk is full: what took long to find out is not thrown away.
func (e *Engine) until(ctx context.Context, what string, note func() error) {
	const pause = 5 * time.Second
	for told := false; ; told = true {
		err := note()
		if err == nil {
			return
		}
		if !told {
			e.options.Log.Error("not noted, tried again: "+what, "error", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}
