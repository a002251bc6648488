package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// How much of a log is told and read, and how long the kubelet may take for it.
const (
	tailLines   = 20
	linesAsked  = 200 // some are Argo's own
	tailBytes   = 256 << 10
	tailLongest = 200 // characters of all lines that are told as one
	tailTime    = 5 * time.Second
	tailPause   = 30 * time.Second // before one that could not be read, or was empty, is read again
	tailReaders = 8
	tailsAsked  = 100
)

// tail names a container's log.
type tail struct {
	namespace, pod, uid, container string
	restarts                       int64
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
	read func(context.Context) (string, error)
}

// ending is what was read when the container had been restarted so often: its last lines, in characters that a terminal shows.
type ending struct {
	restarts int64
	lines    []string
	again    time.Time // when it is read once more; zero where that has been done, or is under way
	wanted   bool      // since the last sweep
}

func newTails(poke func()) *tails {
	return &tails{poke: poke, asked: make(chan asked, tailsAsked), known: map[string]*ending{}}
}

// of are the last lines that are known. What is not known yet is asked for, once for each restart.
func (t *tails) of(key string, restarts int64, read func(context.Context) (string, error)) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.known[key]
	if x == nil {
		x = &ending{restarts: -1}
		t.known[key] = x
	}
	x.wanted = true
	if x.restarts == restarts && (x.again.IsZero() || time.Now().Before(x.again)) {
		return x.lines
	}
	select {
	case t.asked <- asked{x, read}:
		x.restarts, x.again = restarts, time.Time{}
		if t.under++; t.under == 1 {
			t.idle = make(chan struct{})
		}
	default: // a later pass asks again
	}
	return x.lines
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

// fetch reads one. An error means that less is said for now: the right may be missing, the kubelet slow, or the pod gone.
func (t *tails) fetch(ctx context.Context, x asked) {
	ctx, cancel := context.WithTimeout(ctx, tailTime)
	defer cancel()
	log, err := x.read(ctx)
	lines := logEnd(log)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && len(lines) > 0 {
		x.lines = lines
		t.poke()
	} else {
		x.again = time.Now().Add(tailPause)
	}
	if t.under--; t.under == 0 {
		close(t.idle)
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

// logs reads them from the cluster.
type logs struct{ client typedcore.CoreV1Interface }

func newLogs(config *rest.Config) (*logs, error) {
	client, err := typedcore.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return &logs{client}, nil
}

// tail is the end of a container's log: of the run that crashed, where there was one.
func (l *logs) tail(ctx context.Context, x tail) (string, error) {
	text, err := l.last(ctx, x, linesAsked)
	if err == nil && len(text) >= tailBytes { // then it is the end that is missing
		return l.last(ctx, x, tailLines)
	}
	return text, err
}

func (l *logs) last(ctx context.Context, x tail, lines int64) (string, error) {
	bytes := int64(tailBytes)
	options := corev1.PodLogOptions{Container: x.container, Previous: x.restarts > 0, TailLines: &lines, LimitBytes: &bytes}
	text, err := l.client.Pods(x.namespace).GetLogs(x.pod, &options).DoRaw(ctx)
	return string(text), err
}
