package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// worth is how many units there have to be for each child that helps: to start one takes as long as to judge some.
	worth = 128
	// typical is the length of a model, in bytes.
	typical = 1 << 10
)

// converse runs one child for as long as it lives and there is something to do for it.
func (e *evaluation) converse(ctx context.Context, cancel context.CancelCauseFunc) error {
	c, err := e.child(ctx)
	if err != nil {
		return err
	}
	defer c.end()
	survey, reading, err := e.read(c, e.surveyed)
	switch {
	case err != nil:
		return err
	case survey != nil:
		e.open(*survey)
		return e.judgeWith(ctx, c, func(left int) {
			e.release()
			e.callHelpers(ctx, cancel, left)
		})
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case reading == nil:
		return fmt.Errorf("a process that evaluates %s before it began", c.why(e.Deadline))
	}
	e.blameFile(*reading, c)
	return nil
}

// child is the one that was started already, or a new one.
func (e *evaluation) child(ctx context.Context) (*child, error) {
	if c := e.early; c != nil {
		e.early = nil
		return c, nil
	}
	return start(ctx, e.Command)
}

// callHelpers starts further children, once, where there is enough to do for them: about so many units.
func (e *evaluation) callHelpers(ctx context.Context, cancel context.CancelCauseFunc, units int) {
	n := min(e.Children-1, units/worth)
	if e.helped || n <= 0 {
		return
	}
	e.helped = true
	for range n {
		e.helpers.Go(func() {
			if err := e.help(ctx); err != nil {
				cancel(err)
			}
		})
	}
}

// help judges what the first child did not come to. That a helper can't be started, or can't read what the first one could, is
// nobody's fault: then there is none. Neither is there where the first one had to do without a file that the helper has read.
func (e *evaluation) help(ctx context.Context) error {
	for e.more() {
		c, _ := start(ctx, e.Command)
		if c == nil {
			return nil
		}
		unread := e.countUnread()
		survey, _, err := e.read(c, true)
		select {
		case <-e.ready:
		case <-ctx.Done():
		}
		fit := err == nil && survey != nil && unread == e.countUnread()
		if fit {
			err = e.judgeWith(ctx, c, func(int) {})
		}
		c.end()
		if err != nil || !fit {
			return err
		}
	}
	return nil
}

func (e *evaluation) countUnread() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.unread)
}

// read has a child read the files, and returns its survey; again says that it is known. Without one it came to its end; reading is what
// it had begun with then.
func (e *evaluation) read(c *child, again bool) (survey *schema.Survey, reading *string, err error) {
	e.mu.Lock()
	r := request{Again: again}
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		r.Files = append(r.Files, file{name, e.files[name]})
	}
	e.mu.Unlock()
	c.say(r, e.Deadline)
	for {
		said, _, ok, err := c.hear(e.Deadline)
		switch {
		case err != nil || !ok:
			return nil, reading, err
		case said.Survey != nil:
			return said.Survey, nil, nil
		case said.Verdict != nil || said.Apart || !r.names(said.Reading):
			return nil, nil, errTalk
		}
		reading = &said.Reading
	}
}

// names reports whether a file is among those to read, which are sorted; all of them together are called "".
func (r request) names(name string) bool {
	_, found := slices.BinarySearchFunc(r.Files, name, func(f file, name string) int { return cmp.Compare(f.Name, name) })
	return found || name == ""
}

// blameFile has a file that ended the child tried again, or left out. That of all files together is not remembered.
func (e *evaluation) blameFile(name string, c *child) {
	if c.starved(e.Deadline) {
		return
	}
	why := c.why(e.Deadline)
	e.mu.Lock()
	defer e.mu.Unlock()
	d := digest(name, e.files[name])
	e.seen[d] = name != ""
	if e.fail(d, why) {
		e.refuse(name, why)
	}
}

// judgeWith has a child judge as long as it lives and there is something to judge; it tells how many are left when some were.
func (e *evaluation) judgeWith(ctx context.Context, c *child, judged func(left int)) error {
	for most := together; ; {
		e.mu.Lock()
		units, left := e.queue.next(most), e.queue.len()
		e.mu.Unlock()
		if len(units) == 0 {
			return nil
		}
		sound, alive, err := e.ask(ctx, c, units)
		if !alive || err != nil {
			return err
		}
		judged(left)
		if most = min(2*most, together); !sound { // where one thing is wrong there often is another one
			most = max(len(units)/4, 1)
		}
	}
}

// ask has a child judge units, together where that goes. Sound are those that nothing is wrong with.
func (e *evaluation) ask(ctx context.Context, c *child, units []int) (sound, alive bool, err error) {
	c.say(request{Judge: units}, e.Deadline)
	sound, apart := true, len(units) == 1
	for len(units) > 0 {
		given := e.time(units, apart)
		r, size, ok, err := c.hear(given)
		switch {
		case err != nil:
			return false, false, err
		case ok && r.Apart && !apart:
			sound, apart = false, true
			continue
		case ok && r.Verdict == nil:
			return false, false, errTalk
		case ok && e.judge(units[0], kept{*r.Verdict, size}):
			sound = sound && len(r.Verdict.Findings) == 0
			units = units[1:]
			continue
		case context.Cause(ctx) != nil:
			return false, false, context.Cause(ctx)
		}
		e.lose(c, units, apart, given, ok)
		return false, false, nil
	}
	return sound, true, nil
}

// time is how long the first of units may take, or all of them together.
func (e *evaluation) time(units []int, apart bool) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	given := e.given(units[0])
	if !apart {
		for _, i := range units[1:] {
			given += time.Duration(e.survey.Units[i].Models) * perModel
		}
	}
	return min(given, e.left())
}

// lose goes on after the end of a child: of the first of units, or of all of them together.
func (e *evaluation) lose(c *child, units []int, apart bool, given time.Duration, talked bool) {
	if apart {
		e.blame(units[0], c, given, talked)
		units = units[1:]
	}
	busy := c.starved(given)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.frozen:
	case apart:
		e.queue.back(units)
	default:
		e.queue.apart(units, !busy)
	}
}
