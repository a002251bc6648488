// Package reconcile is the loop: it looks at the repository and at the engines, has package plan decide, commits what was found out
// and carries out the rest. It also holds the interfaces of what it needs of the world; internal/ implements them.
//
// Correctness does not rest on there being one loop, nor on its living: what a plan saw is compared again where it is carried out
// (the branch's tip, the resourceVersion, the claim), and nothing is remembered but what can be looked up again.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// races is how often one pass plans anew because somebody else pushed first.
	races = 20
	// gap is the least time between the starts of two passes, so that a storm of pokes costs one pass a second.
	gap = time.Second
	// longest is the most that Run waits after failures.
	longest = time.Minute
	// grace is how long what is under way may go on after Run was told to stop.
	grace = 30 * time.Second
	// moment is how long a pass of Run waits for its actions. Those that take longer go on beside the passes after it.
	moment = 5 * time.Second
)

// Options are the parts of a Loop. All but Proposals, Phrase, Saved and Report are needed.
type Options struct {
	Source Source
	// Proposals take what is recorded in place of the branch that is followed; nil where that takes it.
	Proposals Proposals
	Searches  interface { // holds the kind Search
		Engine
		Evidence
	}
	Cluster Engine // holds all other kinds
	// Ask sends a request in Seldon's protocol to the model behind a SeldonDeployment, and returns at least LongestAnswer bytes and
	// one of the answer, if it has so many. Its error is in words for people. Nil where nobody asks: then what is checked counts as right.
	Ask func(ctx context.Context, at render.Ref, request []byte) ([]byte, error)
	// Load judges what Fetch read, as schema.Load does. How long it takes is how long a pass on a new tip is delayed.
	Load     func(ctx context.Context, tree schema.Tree) (schema.Catalog, error)
	Settings render.Settings
	Limits   plan.Limits
	Holder   string        // who this daemon is, for claims
	Poll     time.Duration // between two looks at the source
	Log      *slog.Logger
	Now      func() time.Time
	// Phrase puts the subject of a commit about these models in other words: one line, a function of its arguments. Nil keeps it.
	Phrase func(subject string, models []string) string
	// Saved is a plan that was written down: only what it holds is carried out, and nothing once the branch has moved. Nil for all.
	Saved *plan.Saved
	// Report is told how each pass of Run ended, and how long it took. With an error the pass is zero and nothing was changed.
	Report func(pass Pass, took time.Duration, err error)
}

// Loop makes the engines follow the repository, pass by pass. One pass at a time: its methods but Poke are not safe for
// concurrent use.
type Loop struct {
	Options
	pokes   chan struct{}
	flights *flights
	asks    *asks
	last    snapshot
	held    error              // why the tip is not followed, but last is; nil where it is
	told    map[plan.Hold]bool // holds that were logged
	breaker breaker
}

// snapshot is what a revision says; it is kept while the branch stays there, so that a quiet pass evaluates nothing.
type snapshot struct {
	revision plan.Revision
	tree     schema.Tree
	catalog  schema.Catalog
	desired  plan.Desired
	proposed proposed
}

// Pass is what one look at the world came to.
type Pass struct {
	Revision plan.Revision // that was planned on
	// Untrusted is why the tip of the branch is not followed, and Revision is the last one that was; nil where it is. The plan holds it too.
	Untrusted error
	Catalog   schema.Catalog
	Live      plan.Live
	Plan      plan.Plan
	// Done counts the actions that were carried out, commits included.
	Done int
	// Stale are actions that were not carried out because the world had changed since they were planned.
	Stale []plan.Action
	// Gone are actions of a saved plan that are not what is to be done any more; they were not carried out.
	Gone []string
	// Failed are actions that could not be carried out, with the reason, as holds.
	Failed []plan.Hold
}

// New returns a Loop that has not looked yet.
func New(o Options) *Loop {
	l := &Loop{Options: o, pokes: make(chan struct{}, 1), flights: newFlights(), breaker: breaker{}}
	l.asks = newAsks(l.Now, l.Poke)
	return l
}

// Plan looks at the repository and the engines and says what Once would do. It changes nothing.
func (l *Loop) Plan(ctx context.Context) (pass Pass, err error) {
	err = Anew(ctx, func() error {
		pass, err = l.plan(ctx, plan.Live{})
		return err
	})
	return pass, err
}

// Anew reads again for as long as somebody pushes between the look at the tip and the end of reading. The error of the twentieth time that
// it is so is [ErrStale].
func Anew(ctx context.Context, read func() error) error {
	for n := range races - 1 {
		if err := read(); !errors.Is(err, ErrStale) {
			return err
		}
		breathe(ctx, n)
	}
	return read()
}

// plan is Plan with what was observed before, if anything was.
func (l *Loop) plan(ctx context.Context, live plan.Live) (Pass, error) {
	if err := l.look(ctx); err != nil {
		return Pass{}, err
	}
	if live.Objects == nil {
		live = l.observe(ctx)
	}
	if err := context.Cause(ctx); err != nil { // half a picture: what is unknown is so for no fault of the engines
		return Pass{}, err
	}
	l.asks.onto(live)
	in := plan.Input{
		Catalog: l.last.catalog, Desired: l.last.desired, Live: live, Settings: l.Settings, Revision: l.last.revision,
		Now: l.Now(), Limits: l.Limits, Holder: l.Holder, Asking: l.Ask != nil,
	}
	if l.last.proposed.selected != nil {
		in.Merged, in.Catalog.Selected = served(l.last.catalog.Selected), l.last.proposed.selected
	}
	made := plan.Make(in)
	if l.held != nil {
		made = made.Held(fmt.Sprintf("the last good revision %s stays: %v", l.last.revision.Short(), l.held))
	}
	return Pass{Revision: l.last.revision, Catalog: l.last.catalog, Live: live, Plan: made, Untrusted: l.held}, nil
}

// Once makes one pass and waits for all that it began: look, plan, ask served models, commit what was found out, carry out the rest.
// When somebody else pushed in between, it plans anew on the new tip. An error means that nothing was changed.
func (l *Loop) Once(ctx context.Context) (Pass, error) { return l.pass(ctx, ctx, streaming) }

// pass looks while looking lasts, and changes what it decided on while ctx does. The engines are observed once, so that a branch
// that many push to does not keep a pass from its end; what changes meanwhile is noticed where it is carried out. It waits for its
// actions for a moment; one that waits for them to their end waits for answers too.
func (l *Loop) pass(looking, ctx context.Context, moment time.Duration) (Pass, error) {
	var live plan.Live
	for n := range races {
		pass, err := l.plan(looking, live)
		_, blind := pass.Live.Unknown[render.SeldonDeployment] // then nothing is asked, and nothing forgotten
		if err == nil && !blind && l.asks.begin(looking, l.Ask, pass.Plan.Asks) && moment == streaming {
			l.asks.under.Wait()
			pass, err = l.plan(looking, pass.Live)
		}
		if err == nil {
			err = pass.keep(l.Saved)
		}
		if err == nil {
			err = l.commit(ctx, &pass)
		}
		switch {
		case errors.Is(err, ErrStale) && n < races-1:
			l.Log.Debug("somebody else pushed first, planning anew")
			live = pass.Live
			breathe(looking, n)
			continue
		case errors.Is(err, ErrStale) && pass.Revision != "" && l.Saved == nil:
			l.late(&pass)
		case err != nil:
			return Pass{}, err
		}
		l.execute(ctx, &pass, moment)
		l.tell(pass)
		return pass, nil
	}
	return Pass{}, ErrStale // unreachable
}

// late leaves what is to be recorded to the next pass, which comes soon: all else has waited long enough.
func (l *Loop) late(pass *Pass) {
	for _, a := range pass.Plan.Actions {
		if _, ok := a.(plan.Record); ok {
			pass.fail(a, fmt.Errorf("the branch moved %d times meanwhile: %w", races, ErrStale))
		}
	}
	l.Poke()
}

// breathe waits after a few lost races: many push, or the server that is listed lags behind the one that is pushed to.
func breathe(ctx context.Context, lost int) {
	const few = 3
	if lost < few {
		return
	}
	select {
	case <-time.After(jitter(25 * time.Millisecond << min(lost-few, 4))):
	case <-ctx.Done():
	}
}

// tell logs the holds that are new, so that a model that waits for hours is one line. An engine that can't be seen is told also
// where no model waits for it.
func (l *Loop) tell(pass Pass) {
	now, holds := map[plan.Hold]bool{}, slices.Concat(pass.Plan.Holds, pass.Failed)
	for _, reason := range slices.Sorted(maps.Values(pass.Live.Unknown)) {
		holds = append(holds, plan.Hold{Reason: reason})
	}
	for _, h := range holds {
		if pass.unknown(h.Reason) { // one line for an engine that is down, not one for each model
			h = plan.Hold{Reason: h.Reason}
		}
		bare := h
		bare.Log = "" // which comes later than the hold
		for _, x := range []plan.Hold{bare, h} {
			if !l.told[x] && !now[x] {
				l.tellHold(x)
			}
			now[x] = true
		}
	}
	l.told = now
}

// tellHold logs a hold, or the lines that came with one that is told already.
func (l *Loop) tellHold(h plan.Hold) {
	if h.Log == "" {
		l.Log.Info(h.String())
	}
	for _, line := range h.Lines() {
		l.Log.Info(h.Model + ": | " + line)
	}
}
