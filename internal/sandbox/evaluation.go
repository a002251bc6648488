package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// errNoTime is of a machine that is too busy: the next pass tries again.
var errNoTime = errors.New("no time was left to read the specs")

// evaluation is one call of Evaluate: as many children as it takes.
type evaluation struct {
	*Sandbox
	files    map[string][]byte // those that are read
	unread   []schema.Finding  // about those that can't be
	begun    time.Time
	seen     map[string]bool // digests of files
	surveyed bool
	survey   schema.Survey
	verdicts []schema.Verdict
	judged   []bool
	passed   []bool // over for this time
	size     int    // of the verdicts that count
	sizes    []int  // of each
}

func (e *evaluation) run(ctx context.Context) error {
	e.leaveOut()
	for !e.surveyed || len(e.wanted()) > 0 {
		if e.left() <= 0 {
			break
		}
		if err := e.converse(ctx); err != nil {
			return err
		}
	}
	if !e.surveyed {
		return errNoTime
	}
	e.survey.Findings = append(e.survey.Findings, e.unread...)
	for i, u := range e.survey.Units {
		if !e.judged[i] && (i == 0 || !e.frozen()) {
			e.verdicts[i] = u.Unjudged()
		}
	}
	return nil
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

// left is the time that is left for all.
func (e *evaluation) left() time.Duration {
	models := time.Duration(len(e.survey.Units))
	return rounds*e.Deadline + models*perModel - time.Since(e.begun)
}

// frozen reports whether what all models share could not be evaluated: then no model can.
func (e *evaluation) frozen() bool { return e.passed[0] || !e.judged[0] }

// wanted are the units to judge next, by index: what all share before models, and models that failed after all others.
func (e *evaluation) wanted() []int {
	if len(e.judged) == 0 || e.passed[0] {
		return nil
	}
	byTimes := make([][]int, patience)
	for i, u := range e.survey.Units {
		if e.judged[i] || e.passed[i] {
			continue
		}
		times := e.failures[u.Digest].times
		if i == 0 {
			times = 0
		}
		byTimes[times] = append(byTimes[times], i)
	}
	for _, units := range byTimes {
		if len(units) > 0 {
			return units
		}
	}
	return nil
}

// converse runs one child for as long as it lives and there is something to do for it.
func (e *evaluation) converse(ctx context.Context) error {
	c, err := start(ctx, e.Command)
	if err != nil {
		return err
	}
	defer c.end()
	if ok, err := e.read(ctx, c); !ok || err != nil {
		return err
	}
	wanted := e.wanted()
	c.say(request{Judge: wanted}, e.Deadline)
	for _, i := range wanted {
		given := min(e.given(i), e.left())
		r, size, ok, err := c.hear(given)
		if err == nil && ok && r.Verdict == nil {
			err = errTalk
		}
		if err != nil {
			return err
		}
		if ok && e.size+size <= maxKept {
			e.judge(i, kept{*r.Verdict, size})
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		e.blame(i, c, given, ok)
		return nil
	}
	return nil
}

// given is the time for one unit. The first time is short, so that those that take long delay no others.
func (e *evaluation) given(i int) time.Duration {
	d := e.Deadline
	if u := e.survey.Units[i]; e.failures[u.Digest].times == 0 {
		d /= quick
	}
	return d + time.Duration(e.survey.Units[i].Models)*perModel
}

func (e *evaluation) judge(i int, k kept) {
	e.verdicts[i], e.judged[i], e.sizes[i] = k.Verdict, true, k.size
	e.size += k.size
	delete(e.failures, e.survey.Units[i].Digest)
}

// read has the files read until there is a survey. It is not ok where a file ended the child.
func (e *evaluation) read(ctx context.Context, c *child) (ok bool, err error) {
	r := request{Again: e.surveyed}
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		r.Files = append(r.Files, file{name, e.files[name]})
	}
	c.say(r, e.Deadline)
	begun, reading := false, ""
	for {
		r, _, ok, err := c.hear(e.Deadline)
		switch {
		case err != nil:
			return false, err
		case ok && r.Survey != nil:
			e.open(*r.Survey)
			return true, nil
		case ok && r.Verdict == nil && e.known(r.Reading):
			begun, reading = true, r.Reading
		case ok:
			return false, errTalk
		case context.Cause(ctx) != nil:
			return false, context.Cause(ctx)
		case !begun:
			return false, fmt.Errorf("a process that evaluates %s before it began", c.why(e.Deadline))
		default:
			e.blameFile(reading, c)
			return false, nil
		}
	}
}

func (e *evaluation) known(name string) bool {
	_, known := e.files[name]
	return known || name == ""
}

// blameFile has a file that ended the child tried again, or left out. That of all files together is not remembered.
func (e *evaluation) blameFile(name string, c *child) {
	if c.starved(e.Deadline) {
		return
	}
	why, d := c.why(e.Deadline), digest(name, e.files[name])
	e.seen[d] = name != ""
	if e.fail(d, why) {
		e.refuse(name, why)
	}
}

// open takes the survey of the first child; that of a later one is the same.
func (e *evaluation) open(s schema.Survey) {
	if e.surveyed {
		return
	}
	e.surveyed, e.survey = true, s
	e.verdicts, e.judged, e.passed = make([]schema.Verdict, len(s.Units)), make([]bool, len(s.Units)), make([]bool, len(s.Units))
	e.sizes = make([]int, len(s.Units))
	for i, u := range s.Units {
		if k, ok := e.kept[u.Digest]; ok {
			e.judge(i, k)
		} else if f := e.failures[u.Digest]; f.times >= patience {
			e.kill(i, f.why)
		}
	}
}

// blame has a unit that ended the child tried again later, or left alone. One that the machine had no time for is not to blame,
// nor is the one that all time was over at.
func (e *evaluation) blame(i int, c *child, given time.Duration, talked bool) {
	why := c.why(e.Deadline)
	if talked {
		why = fmt.Sprintf("made all models together come to more than %d MiB", maxKept>>20)
	}
	if c.late.Load() && given < e.given(i) || given >= e.Deadline && c.starved(given) {
		e.passed[i] = true
		return
	}
	u := e.survey.Units[i]
	if e.fail(u.Digest, why) {
		e.kill(i, why)
	}
}

// kill leaves a unit alone.
func (e *evaluation) kill(i int, why string) {
	e.verdicts[i], e.judged[i], e.passed[i] = e.survey.Units[i].Killed(why), true, true
}
