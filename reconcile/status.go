package reconcile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// longestLine is how many characters of anybody's words are kept.
	longestLine = 300
	// longestBeginning is how many of them are the beginning of a reason that is longer.
	longestBeginning = 100
	// mostWaits is how many holds and failures a Status names. With it a Status is smaller than 512 KiB, and mostly than 50.
	mostWaits = 300
	// largestStatus is how many bytes are read as a Status.
	largestStatus = 1 << 20
)

// Status is what the daemon that leads knows, for people who ask another process, also when that daemon is dead. Times are in
// whole seconds.
type Status struct {
	Holder   string        `json:"holder"`             // who wrote it
	Written  time.Time     `json:"written"`            // when anything below last changed
	Revision plan.Revision `json:"revision,omitempty"` // that was planned on last
	Since    time.Time     `json:"since,omitzero"`     // when that was planned on first
	// Error is why the last pass came to nothing; empty when it was made.
	Error      string    `json:"error,omitempty"`
	ErrorSince time.Time `json:"errorSince,omitzero"`
	Waits      []Wait    `json:"waits"`          // sorted, failures first
	More       int       `json:"more,omitempty"` // that are not among Waits
}

// Wait says why a model, or one environment of it, does not move. Without a model it is about all.
type Wait struct {
	Model       string    `json:"model,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Reason      string    `json:"reason"`           // one line
	Failed      bool      `json:"failed,omitempty"` // an action was tried, and will be again
	Since       time.Time `json:"since"`
}

// Reporter makes a Status of each pass.
type Reporter struct {
	Holder string
	Redact func(string) string // takes secrets out of what others said
}

// After is the Status after a pass, or after an error that came in its place. What was so before keeps its time, and where nothing
// is new the bytes stay the same.
func (r Reporter) After(old Status, pass Pass, err error, now time.Time) Status {
	now = now.UTC().Truncate(time.Second)
	next := old
	next.Holder = r.Holder
	switch {
	case err != nil:
		next.Error = Line(r.Redact(err.Error()))
		if old.Error == "" {
			next.ErrorSince = now
		}
	default:
		next.Error, next.ErrorSince = "", time.Time{}
		if next.Revision = pass.Revision; next.Revision != old.Revision {
			next.Since = now
		}
		next.Waits, next.More = r.waits(old.Waits, pass, now)
	}
	if !bytes.Equal(next.Encode(), old.Encode()) {
		next.Written = now
	}
	return next
}

// waits are the holds and failures of a pass. A failure stays while its action is planned: that is tried again and has not ended.
func (r Reporter) waits(old []Wait, pass Pass, now time.Time) ([]Wait, int) {
	var all []Wait
	add := func(h plan.Hold, failed bool) {
		if pass.unknown(h.Reason) { // one line for an engine that is down, not one for each model
			h = plan.Hold{Reason: h.Reason}
		}
		all = append(all, Wait{h.Model, h.Environment, Reason(r.Redact(h.Reason)), failed, now})
	}
	for _, h := range pass.Plan.Holds {
		add(h, false)
	}
	for _, h := range pass.Failed {
		add(h, true)
	}
	for _, reason := range pass.Live.Unknown {
		add(plan.Hold{Reason: reason}, false)
	}
	failedNow := func(w Wait) bool {
		return slices.ContainsFunc(all, func(x Wait) bool { return x.Failed && x.scope() == w.scope() })
	}
	for _, w := range old {
		if w.Failed && !failedNow(w) && pass.plans(w) {
			all = append(all, w)
		}
	}
	return sorted(since(all, old))
}

// unknown reports whether a reason is an engine's that could not be observed.
func (p Pass) unknown(reason string) bool {
	for _, r := range p.Live.Unknown {
		if r == reason {
			return true
		}
	}
	return false
}

// plans reports whether the action that failed is still to be done.
func (p Pass) plans(w Wait) bool {
	return slices.ContainsFunc(p.Plan.Actions, func(a plan.Action) bool {
		what := strings.TrimPrefix(a.String(), a.Scope().String()+": ")
		return a.Scope() == w.scope() && w.Says(what)
	})
}

// Says reports whether a failure is of the action that is told like this, as far as that was kept.
func (w Wait) Says(what string) bool {
	begins := printable(what + ":")
	return strings.HasPrefix(w.Reason, string(begins[:min(len(begins), longestBeginning)]))
}

func (w Wait) scope() schema.Scope { return schema.Scope{Model: w.Model, Environment: w.Environment} }

// since gives what was so before its time back.
func since(all, old []Wait) []Wait {
	began := map[Wait]time.Time{}
	for _, w := range old {
		key := w
		key.Since = time.Time{}
		began[key] = w.Since
	}
	for i, w := range all {
		w.Since = time.Time{}
		if t, ok := began[w]; ok {
			all[i].Since = t
		}
	}
	return all
}

// sorted puts failures first, for they are what nobody else can tell, and cuts.
func sorted(all []Wait) ([]Wait, int) {
	slices.SortFunc(all, func(a, b Wait) int {
		failed := 0
		if a.Failed != b.Failed {
			failed = 1
			if a.Failed {
				failed = -1
			}
		}
		return cmp.Or(failed, cmp.Compare(a.Model, b.Model), cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Reason, b.Reason), a.Since.Compare(b.Since))
	})
	all = slices.CompactFunc(all, func(a, b Wait) bool { return a.Failed == b.Failed && a.scope() == b.scope() && a.Reason == b.Reason })
	more := max(0, len(all)-mostWaits)
	return all[:len(all)-more], more
}

// Encode is the Status as JSON, a line for each field: the same Status, the same bytes.
func (s Status) Encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	_ = e.Encode(s) // of strings, numbers and times of four-digit years
	return b.Bytes()
}

// ParseStatus reads what Encode wrote. Anybody may have edited it: what people are shown of it is bounded, and lines.
func ParseStatus(text []byte) (Status, error) {
	if len(text) > largestStatus {
		return Status{}, errors.New("the status is larger than any that Trefoil writes")
	}
	var s Status
	if err := json.Unmarshal(text, &s); err != nil {
		return Status{}, fmt.Errorf("the status is none that Trefoil wrote: %w", err)
	}
	s.Holder, s.Error, s.Revision = Line(s.Holder), Line(s.Error), plan.Revision(Line(string(s.Revision)))
	s.Written, s.Since, s.ErrorSince = whole(s.Written), whole(s.Since), whole(s.ErrorSince)
	for i, w := range s.Waits {
		s.Waits[i] = Wait{Line(w.Model), Line(w.Environment), Reason(w.Reason), w.Failed, whole(w.Since)}
	}
	more := max(0, min(s.More, 1<<30))
	s.Waits, s.More = sorted(s.Waits)
	s.More += more
	return s, nil
}

// whole is a time that can be written again.
func whole(t time.Time) time.Time {
	if t = t.UTC().Truncate(time.Second); t.Year() < 1970 || t.Year() > 9998 {
		return time.Time{}
	}
	return t
}

// Reason is a Line of why something does not move. Of one that is too long the middle goes: the end says what to try.
func Reason(words string) string {
	all := printable(words)
	if len(all) > longestLine {
		return string(all[:longestBeginning]) + "…" + string(all[len(all)-longestLine+longestBeginning+1:])
	}
	return string(all)
}

// Line makes one line of anybody's words, not longer than people read, without what a terminal would obey.
func Line(words string) string {
	all := printable(words)
	if len(all) > longestLine {
		return string(all[:longestLine-1]) + "…"
	}
	return string(all)
}

func printable(words string) []rune {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	return []rune(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(words, "?"), odd), " "))
}
