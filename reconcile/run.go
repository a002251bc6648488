package reconcile

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Poke asks a running loop to look again soon. It never blocks and is safe for concurrent use.
func (l *Loop) Poke() {
	select {
	case l.pokes <- struct{}{}:
	default: // a poke is waiting already
	}
}

// Run makes passes until ctx ends: at every poll, and soon after a Poke, which every action that was carried out gives too. Looking
// ends at once then; changes that are under way are finished first, within half a minute. After failures the waits grow from a
// second to a minute.
func (l *Loop) Run(ctx context.Context) { l.Lead(ctx, context.WithoutCancel(ctx)) }

// Lead is Run for as long as leading lasts: when that ends, looking and what is under way are cancelled at once.
func (l *Loop) Lead(ctx, leading context.Context) {
	l.flights.forget()
	l.asks.forget()
	ctx, stop := context.WithCancelCause(ctx)
	defer context.AfterFunc(leading, func() { stop(context.Cause(leading)) })()
	inner, cancel := context.WithCancel(leading)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	defer l.flights.wait(grace)
	defer l.asks.under.Wait() // which end with ctx
	timer, earliest, failures := time.NewTimer(0), time.Time{}, 0
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.pokes:
			timer.Reset(time.Until(earliest))
			continue
		case <-timer.C:
		}
		earliest = time.Now().Add(gap)
		wait := max(gap, jitter(l.Poll))
		switch err := l.run(ctx, inner); {
		case err == nil:
			failures = 0
		case errors.Is(err, ErrStale): // many push, which is nobody's failure
			wait = jitter(gap)
		default:
			wait = jitter(min(longest, time.Second<<min(failures, 6)))
			earliest = time.Now().Add(wait)
			failures++
		}
		timer.Reset(wait)
	}
}

// run is one pass of Run.
func (l *Loop) run(looking, ctx context.Context) error {
	began := time.Now()
	pass, err := l.pass(looking, ctx, moment)
	switch {
	case err != nil && looking.Err() != nil: // it was told to stop
		return err
	case err != nil:
		l.Log.Warn("nothing was changed, looking again", "error", err)
	}
	if l.Report != nil {
		l.Report(pass, time.Since(began), err)
	}
	return err
}

// jitter keeps daemons that were started together from asking together: 80 to 100 per cent of d.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(max(d, 0))/5+1))
}
