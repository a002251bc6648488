package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// errNoTime is of a machine that is too busy: the next pass tries again.
var errNoTime = errors.New("no time was left to read the specs")

// evaluation is one call of Evaluate: as many children as it takes.
type evaluation struct {
	*Sandbox
	begun   time.Time
	helpers sync.WaitGroup
	early   *child        // the first one, where it was started already
	ready   chan struct{} // closed when models may be judged, or none will be

	mu       sync.Mutex        // of what follows, and of what the Sandbox remembers
	files    map[string][]byte // those that are read
	unread   []schema.Finding  // about those that can't be
	seen     map[string]bool   // digests of files
	surveyed bool
	survey   schema.Survey
	verdicts []schema.Verdict
	judged   []bool
	frozen   bool  // what all models share could not be evaluated: then no model can
	killed   bool  // a unit could not be evaluated
	size     int   // of the verdicts that count
	sizes    []int // of each
	queue    queue
	helped   bool // helpers were started
	released bool // ready is closed
}

// run has one child read and judge, and others help where there is enough to do.
func (e *evaluation) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() {
		if e.early != nil {
			e.early.end()
		}
	}()
	e.leaveOut()
	if len(e.kept) == 0 {
		e.callHelpers(ctx, cancel, e.bytes()/typical)
	}
	for e.more() {
		for e.more() && context.Cause(ctx) == nil {
			if err := e.converse(ctx, cancel); err != nil {
				cancel(err)
			}
		}
		e.release()
		e.helpers.Wait() // one that came to its end left something to do
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	if !e.surveyed {
		return errNoTime
	}
	e.survey.Findings = append(e.survey.Findings, e.unread...)
	for i, u := range e.survey.Units {
		if !e.judged[i] && (i == 0 || !e.frozen && e.judged[0]) {
			e.verdicts[i] = u.Unjudged()
		}
	}
	return nil
}

// more reports whether there is something to do, and time to do it.
func (e *evaluation) more() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return (!e.surveyed || e.queue.len() > 0) && e.left() > 0
}

// left is the time that is left for all.
func (e *evaluation) left() time.Duration {
	models := time.Duration(len(e.survey.Units))
	return rounds*e.Deadline + models*perModel - time.Since(e.begun)
}

// bytes is how long all files are together.
func (e *evaluation) bytes() int {
	n := 0
	for _, data := range e.files {
		n += len(data)
	}
	return n
}

// release lets helpers begin.
func (e *evaluation) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.released {
		e.released = true
		close(e.ready)
	}
}

// leaveOut takes out the files that can't be read.
func (e *evaluation) leaveOut() {
	if len(e.failures) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		d := digest(name, e.files[name])
		if f := e.failures[d]; f.times > 0 {
			e.seen[d] = true
			if f.times >= patience {
				e.refuse(name, f.why)
			}
		}
	}
}

// refuse goes on without a file. One of people's freezes the revision, and nothing else needs to be read then.
func (e *evaluation) refuse(name, why string) {
	f := schema.Unreadable(name, why)
	e.unread = append(e.unread, f)
	delete(e.files, name)
	e.surveyed = e.surveyed || f.Scope == schema.Scope{}
}

// open takes the survey of the first child; that of a later one is the same.
func (e *evaluation) open(s schema.Survey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.surveyed {
		return
	}
	e.surveyed, e.survey = true, s
	e.verdicts, e.judged, e.sizes = make([]schema.Verdict, len(s.Units)), make([]bool, len(s.Units)), make([]int, len(s.Units))
	for i, u := range s.Units {
		k, known := e.kept[u.Digest]
		switch f := e.failures[u.Digest]; {
		case known:
			e.take(i, k)
		case f.times >= patience:
			e.kill(i, f.why)
		case i > 0 && f.times > 0:
			e.queue.tried = append(e.queue.tried, i)
		default:
			e.queue.add(i)
		}
	}
	if e.frozen {
		e.queue = queue{}
	}
}

// judge takes a verdict; false says that all together come to too much with it.
func (e *evaluation) judge(i int, k kept) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.size+k.size > maxKept {
		return false
	}
	e.take(i, k)
	return true
}

func (e *evaluation) take(i int, k kept) {
	e.verdicts[i], e.judged[i], e.sizes[i] = k.Verdict, true, k.size
	e.size += k.size
	delete(e.failures, e.survey.Units[i].Digest)
}

// lasts reports whether another process would come to the same: nothing was too much for this machine, or for the time it had.
func (e *evaluation) lasts() bool {
	return len(e.unread) == 0 && !e.killed && !slices.Contains(e.judged, false)
}

// kill leaves a unit alone.
func (e *evaluation) kill(i int, why string) {
	e.verdicts[i], e.judged[i] = e.survey.Units[i].Killed(why), true
	e.frozen, e.killed = e.frozen || i == 0, true
}

// given is the time for one unit. The first time is short, so that those that take long delay no others.
func (e *evaluation) given(i int) time.Duration {
	u, d := e.survey.Units[i], e.Deadline
	if e.failures[u.Digest].times == 0 {
		d /= quick
	}
	return d + time.Duration(u.Models)*perModel
}

// blame has a unit that ended the child tried again later, or left alone. One that the machine had no time for is not to blame,
// nor is the one that all time was over at.
func (e *evaluation) blame(i int, c *child, given time.Duration, talked bool) {
	why := fmt.Sprintf("made all models together come to more than %d MiB", maxKept>>20)
	if !talked {
		why = c.why(e.Deadline)
	}
	starved := given >= e.Deadline && c.starved(given)
	e.mu.Lock()
	defer e.mu.Unlock()
	u := e.survey.Units[i]
	switch {
	case c.late.Load() && given < e.given(i) || starved:
		e.frozen = e.frozen || i == 0
	case e.fail(u.Digest, why):
		e.kill(i, why)
	case i == 0: // before all others
		e.queue.alone = append([]int{i}, e.queue.alone...)
	default:
		e.queue.tried = append(e.queue.tried, i)
	}
	if e.frozen {
		e.queue = queue{}
	}
}
