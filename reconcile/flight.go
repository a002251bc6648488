package reconcile

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

const (
	// workers is how many actions run at a time of each kind: quick ones, creates of searches, and fetches.
	workers = 8
	// patience is how long one action may take, unless it says so itself.
	patience = time.Minute
	// streaming is how long an artifact may take to be read.
	streaming = 15 * time.Minute
	// stales is how many passes in a row an action may be stale before that is told.
	stales = 5
)

// flights are the actions under way. A pass waits for them only for a moment, so that one that hangs delays no other; what is
// under way is not started again.
type flights struct {
	quick, create, fetch chan struct{} // slots

	mu      sync.Mutex
	under   map[string]bool // by what the action prints
	planned map[string]bool // by the newest plan
	quiet   chan struct{}   // closed while nothing is under way
	ended   []flight        // since the last pass looked
	stale   map[string]int  // in how many passes in a row
}

// flight is an action that was carried out, or not.
type flight struct {
	action plan.Action
	err    error
}

func newFlights() *flights {
	f := &flights{
		quick: make(chan struct{}, workers), create: make(chan struct{}, workers), fetch: make(chan struct{}, workers),
		under: map[string]bool{}, quiet: make(chan struct{}), stale: map[string]int{},
	}
	close(f.quiet)
	return f
}

// forget drops what ended, but was not reported, while nobody led.
func (f *flights) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended, f.stale = nil, map[string]int{}
}

// plan says what the newest plan wants. What waits for a slot and is not in it any more is not begun.
func (f *flights) plan(actions []plan.Action) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planned = map[string]bool{}
	for _, a := range actions {
		f.planned[a.String()] = true
	}
}

func (f *flights) wanted(a plan.Action) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.planned[a.String()]
}

// begin carries an action out in the background, within the limit, unless it is under way. end is called once it was done.
func (f *flights) begin(ctx context.Context, limit time.Duration, a plan.Action, slots chan struct{},
	do func(context.Context, plan.Action) error, end func(),
) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.under[a.String()] {
		return
	}
	if len(f.under) == 0 {
		f.quiet = make(chan struct{})
	}
	f.under[a.String()] = true
	go func() {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err := f.queued(ctx, a, slots, do)
		f.land(flight{a, err})
		if err == nil {
			end()
		}
	}()
}

func (f *flights) land(x flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, x)
	delete(f.under, x.action.String())
	if len(f.under) == 0 {
		close(f.quiet)
	}
}

// queued waits for a slot, but not longer than the context lives.
func (f *flights) queued(ctx context.Context, a plan.Action, slots chan struct{}, do func(context.Context, plan.Action) error) error {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
		if !f.wanted(a) {
			return ErrStale
		}
		return do(ctx, a)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wait returns when nothing is under way any more, or after limit.
func (f *flights) wait(limit time.Duration) {
	f.mu.Lock()
	quiet := f.quiet
	f.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-quiet:
	case <-timer.C:
	}
}

// report moves what has ended into the pass. What was stale is decided anew by the next pass, and a failure only when that goes on.
func (f *flights) report(pass *Pass) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stale := map[string]int{}
	for _, x := range f.ended {
		switch {
		case x.err == nil:
			pass.Done++
		case errors.Is(x.err, ErrStale) && f.stale[x.action.String()] < stales:
			stale[x.action.String()] = f.stale[x.action.String()] + 1
			pass.Stale = append(pass.Stale, x.action)
		default:
			pass.fail(x.action, x.err)
		}
	}
	f.ended, f.stale = nil, stale
}
