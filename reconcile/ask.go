package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

const (
	// asking is how long a served model may take for the answer to its check.
	asking = 30 * time.Second
	// askers is how many models are asked at a time, so that as many answers are held in memory. One that never answers has another turn
	// only once its pause is over.
	askers = 32
	// rarest is the longest pause before a model that does not answer as expected is asked again; the first one is a second.
	rarest = 5 * time.Minute
)

// asks are the questions to served models. They are asked beside the passes, since a model may be slow; a later pass knows the answers.
type asks struct {
	now   func() time.Time
	poke  func()
	slots chan struct{}
	under sync.WaitGroup

	mu    sync.Mutex
	known map[render.Ref]*inquiry
}

// inquiry is what is known about one question.
type inquiry struct {
	question plan.Question
	seen     string       // the state for which the newest answer was asked
	answer   *plan.Answer // nil before the first
	under    bool
	failures int
	again    time.Time // zero while nobody has judged the answer
}

func newAsks(now func() time.Time, poke func()) *asks {
	return &asks{now: now, poke: poke, slots: make(chan struct{}, askers)}
}

// begin asks what is due, and forgets what nobody asks any more. It reports whether anything was begun.
func (a *asks) begin(ctx context.Context, ask func(context.Context, render.Ref, []byte) ([]byte, error), all []plan.Ask) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, begun := a.known, false
	a.known = make(map[render.Ref]*inquiry, len(all))
	for _, q := range all {
		x := was[q.At]
		if x == nil || x.question != q.Question {
			x = &inquiry{question: q.Question}
		}
		a.known[q.At] = x
		if !a.due(x, q) {
			continue
		}
		x.under, x.seen, begun = true, q.Seen, true
		a.under.Go(func() { a.inquire(ctx, ask, x) })
	}
	return begun
}

// due reports whether a question is to be asked. The pause after an answer that is not as expected begins when a plan has said so.
func (a *asks) due(x *inquiry, q plan.Ask) bool {
	switch {
	case x.under:
		return false
	case x.answer == nil || x.seen != q.Seen:
		return true
	case !q.Answered: // that plan did not know it yet
		return false
	case q.Met:
		x.failures = 0
		return false
	case x.again.IsZero():
		pause := min(rarest, time.Second<<min(x.failures, 10))
		x.failures, x.again = x.failures+1, a.now().Add(pause)
		time.AfterFunc(pause, a.poke)
		return false
	}
	return !a.now().Before(x.again)
}

// inquire asks one model. What the context ended has no answer.
func (a *asks) inquire(ctx context.Context, ask func(context.Context, render.Ref, []byte) ([]byte, error), x *inquiry) {
	a.slots <- struct{}{}
	defer func() { <-a.slots }()
	inner, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	text, err := ask(inner, x.question.At, []byte(x.question.Data))
	if err != nil && errors.Is(inner.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v", asking)
	}
	answer := read(x.question, text, err)
	a.mu.Lock()
	x.under = false
	if ctx.Err() == nil {
		x.answer, x.again = &answer, time.Time{}
	}
	a.mu.Unlock()
	a.poke()
}

// onto puts the answers to what they are about.
func (a *asks) onto(live plan.Live) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ref, x := range a.known {
		for i := range live.Objects[ref] {
			live.Objects[ref][i].Answer = x.answer
		}
	}
}

// forget drops all answers: while another daemon led, anything may have happened.
func (a *asks) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known = nil
}
