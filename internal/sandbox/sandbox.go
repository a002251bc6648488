package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// perModel is what each model adds to the time that is given, so that a large repository on a slow machine is no hostile one.
	perModel = 20 * time.Millisecond
	// rounds of Deadline are given to all that is evaluated at once.
	rounds = 3
	// quick is the part of Deadline that a unit has before those that were not tried yet go first.
	quick = 8
	// maxKept is what the verdicts of a revision may come to, in bytes.
	maxKept = 128 << 20
)

// Options are what a Sandbox needs.
type Options struct {
	// Command starts the child: the path of the program, then its arguments, of which the first is its name.
	Command []string
	// Deadline is how long one unit may take; all of one Evaluate three times as long, and 20 ms for each model.
	Deadline time.Duration
	// Children is how many evaluate at once at most; below 2 it is one. Each may take 1 GiB of memory.
	Children int
	// Store keeps what children said from one process to the next; nil keeps nothing.
	Store Store
}

// Store is a cache. It may forget, and what it returns is believed only as far as a child is.
type Store interface {
	// Get returns what was put under that key of the family.
	Get(family, key string) ([]byte, bool)
	// Last returns what was put into that family, or got from it, most recently.
	Last(family string) ([]byte, bool)
	// Put keeps a value. It may be lost.
	Put(family, key string, value []byte)
}

// Sandbox evaluates specs in child processes, and remembers the verdicts on the last revision: what did not change is not
// evaluated again, and neither is what could not be evaluated twice.
type Sandbox struct {
	Options
	waits    sync.Mutex // of the one that waits for mu with a child that is started
	mu       sync.Mutex
	kept     map[string]kept    // by digest of the unit
	failures map[string]failure // by digest of the unit or file
	last     atomic.Pointer[said]
}

// said is the last transcript, and the key of its files: most commits are about something else than specs.
type said struct {
	key string
	transcript
}

// kept is a verdict and what it took on its way, in bytes.
type kept struct {
	schema.Verdict
	size int
}

// failure is how often something ended a child, and what that was the last time.
type failure struct {
	times int
	why   string
}

// patience is how often something may end a child before it is left alone.
const patience = 2

// New returns a Sandbox that remembers nothing.
func New(o Options) *Sandbox {
	return &Sandbox{Options: o, kept: map[string]kept{}, failures: map[string]failure{}}
}

// Evaluate is a schema.Evaluator. Whatever the files hold it comes back: after three deadlines and 20 ms for each model, plus the
// time that one child needs to start. An error says that no child could be started, that one made no sense, or that ctx has ended.
// It is safe for concurrent use, one at a time.
func (s *Sandbox) Evaluate(ctx context.Context, files map[string][]byte) (schema.Survey, []schema.Verdict, error) {
	family, key := keys(files)
	if last := s.last.Load(); last != nil && last.key == key {
		return last.Survey, last.Verdicts, nil
	}
	if t, ok := s.recall(family, key); ok {
		s.last.Store(&said{key, t})
		s.mu.Lock()
		defer s.mu.Unlock()
		s.know(t)
		return t.Survey, t.Verdicts, nil
	}
	e := &evaluation{Sandbox: s, files: maps.Clone(files), seen: map[string]bool{}, ready: make(chan struct{})}
	e.early = s.enter(ctx)
	defer s.mu.Unlock()
	if len(s.kept) == 0 {
		s.recallLast(family)
	}
	e.begun = time.Now()
	if err := e.run(ctx); err != nil {
		return schema.Survey{}, nil, err
	}
	s.remember(e)
	if e.lasts() {
		t := transcript{e.survey, e.verdicts, e.sizes}
		s.last.Store(&said{key, t})
		s.put(family, key, t)
	}
	return e.survey, e.verdicts, nil
}

// enter waits until this evaluation is the only one, and has its first child started meanwhile: that is most of what few models take. Of
// all that wait one has a child; the others get nil, and start theirs once they need it.
func (s *Sandbox) enter(ctx context.Context) *child {
	if !s.waits.TryLock() {
		s.mu.Lock()
		return nil
	}
	defer s.waits.Unlock()
	early, _ := start(ctx, s.Command) // where there is none, it is tried again
	s.mu.Lock()
	return early
}

// remember keeps what is of this revision.
func (s *Sandbox) remember(e *evaluation) {
	s.kept = map[string]kept{}
	for i, u := range e.survey.Units {
		e.seen[u.Digest] = true
		if e.judged[i] {
			s.keep(u, kept{e.verdicts[i], e.sizes[i]})
		}
	}
	maps.DeleteFunc(s.failures, func(digest string, _ failure) bool { return !e.seen[digest] })
}

// keep remembers a verdict for as long as what it is about says the same. One with a finding is of these places only.
func (s *Sandbox) keep(u schema.Unit, k kept) {
	if len(k.Findings) == 0 {
		s.kept[u.Digest] = k
	}
}

// fail counts what ended a child; done says that it is left alone from now on.
func (s *Sandbox) fail(digest, why string) (done bool) {
	f := failure{s.failures[digest].times + 1, why}
	s.failures[digest] = f
	return f.times >= patience
}

// digest is of a file at its path.
func digest(name string, data []byte) string {
	sum := sha256.New()
	sum.Write([]byte(name + "\x00"))
	sum.Write(data)
	return hex.EncodeToString(sum.Sum(nil))
}
