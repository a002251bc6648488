package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// How much of a log is told and read, and how long the kubelet may take for it.
const (
	tailLines   = 20
	linesAsked  = 200       // some are Argo's own
	tailBytes   = 256 << 10 // are kept of what was read
	bytesAsked  = 16 << 20  // a kubelet keeps 10 MiB of a log, unless it is told otherwise
	tailLongest = 200       // characters of all lines that are told as one
	tailTime    = 5 * time.Second
	tailPause   = 30 * time.Second // before one that could not be read, or was empty, is read again
	tailReaders = 8
	tailsAsked  = 100
)

// tail names the log of one run of a container.
type tail struct {
	namespace, pod, uid, container string
	run                            string // which of them: each is read once
	previous                       bool   // it is the one before that which the container has now
}

func tailOf(pod *unstructured.Unstructured, status map[string]any, previous bool) tail {
	id := text(status, "containerID")
	run, _, _ := unstructured.NestedInt64(status, "restartCount")
	if previous {
		id, run = text(status, "lastState", "terminated", "containerID"), run-1
	}
	return tail{
		namespace: pod.GetNamespace(), pod: pod.GetName(), uid: string(pod.GetUID()), container: text(status, "name"),
		run: cmp.Or(id, strconv.FormatInt(run, 10)), previous: previous,
	}
}

// tails reads the ends of logs beside the passes, since a kubelet may be slow: what has been read is told by the next pass.
type tails struct {
	poke  func()
	asked chan asked

	mu    sync.Mutex
	known map[string]*ending // by uid, and container
	under int                // are asked for and not yet read
	idle  chan struct{}      // is closed when none is
}

// asked is a log that somebody wants to know the end of.
type asked struct {
	*ending
	run  string
	read func(context.Context) (string, error)
}

// ending is what was read of a container's log: its last lines, as people may read them.
type ending struct {
	run    string // that was asked for last; empty before the first
	lines  []string
	fault  string    // why the last one could not be read, for people; empty where it could
	again  time.Time // when it is read once more; zero where that has been done, or is under way
	wanted bool      // since the last sweep
}

// told are the lines, those of a former run too, or why there are none.
func (x *ending) told() []string {
	if len(x.lines) == 0 && x.fault != "" {
		return []string{x.fault}
	}
	return x.lines
}

func newTails(poke func()) *tails {
	return &tails{poke: poke, asked: make(chan asked, tailsAsked), known: map[string]*ending{}}
}

// of are the last lines that are known of a container. What is not known yet is asked for, once for each run.
func (t *tails) of(container, run string, read func(context.Context) (string, error)) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.known[container]
	if x == nil {
		x = &ending{}
		t.known[container] = x
	}
	x.wanted = true
	if x.run == run && (x.again.IsZero() || time.Now().Before(x.again)) {
		return x.told()
	}
	select {
	case t.asked <- asked{x, run, read}:
		x.run, x.again = run, time.Time{}
		if t.under++; t.under == 1 {
			t.idle = make(chan struct{})
		}
	default: // a later pass asks again
	}
	return x.told()
}

// run reads until the context ends.
func (t *tails) run(ctx context.Context) {
	var all sync.WaitGroup
	for range tailReaders {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case x := <-t.asked:
					t.fetch(ctx, x)
				}
			}
		})
	}
	all.Wait()
}

// fetch reads one. That the right to it is missing is told in its place: somebody has to give it. A kubelet that is slow, or not there,
// is asked again.
func (t *tails) fetch(ctx context.Context, x asked) {
	ctx, cancel := context.WithTimeout(ctx, tailTime)
	defer cancel()
	log, err := x.read(ctx)
	lines, fault := logEnd(log), ""
	if apierrors.IsForbidden(err) {
		fault = reconcile.Line(redact.Assigned(fmt.Sprintf("(its log can't be read: %v)", err)))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.under--; t.under == 0 {
		close(t.idle)
	}
	if x.run != x.ending.run { // it took so long that a later run was asked for
		return
	}
	if len(lines) > 0 || fault != x.fault {
		t.poke()
	}
	x.fault = fault
	if len(lines) > 0 {
		x.lines = lines
	} else {
		x.again = time.Now().Add(tailPause)
	}
}

// settled waits a while for all that has been asked.
func (t *tails) settled(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tailTime)
	defer cancel()
	t.mu.Lock()
	idle := t.idle
	t.mu.Unlock()
	if idle == nil { // nothing ever was
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// sweep forgets what nobody wanted since the last one: it is of what is gone, or well again.
func (t *tails) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, x := range t.known {
		if !x.wanted {
			delete(t.known, key)
		}
		x.wanted = false
	}
}

// logEnd are the last lines of a log, as people may read them and without those that Argo's executor wrote between them.
func logEnd(log string) []string {
	var theirs strings.Builder
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") || !strings.Contains(line, " argo=true") {
			theirs.WriteString(line)
		}
	}
	var all []string
	for line := range strings.Lines(redact.Log(theirs.String())) {
		if line = reconcile.Line(line); line != "" {
			all = append(all, line)
		}
	}
	return all[max(0, len(all)-tailLines):]
}

// lastWords are as many of the last lines as people read in one.
func lastWords(lines []string) string {
	words := ""
	for _, line := range slices.Backward(lines) {
		switch {
		case words == "":
			words = line
		case len([]rune(words))+len([]rune(line)) > tailLongest:
			return words
		default:
			words = line + " | " + words
		}
	}
	return words
}
