package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// How much of a log is read, and how long the kubelet may take for it.
const (
	tailLines   = 20
	linesAsked  = 200 // some are Argo's own
	tailBytes   = 32 << 10
	tailTime    = 5 * time.Second
	tailsKept   = 1000
	tailsAsked  = 100
	tailLongest = 200 // characters of all lines that are told as one
)

// tail names the end of a container's log: of one that a pod has, or of the one with which a Workflow failed.
type tail struct {
	namespace, pod, uid, container string
	restarts                       int64
	workflow                       string // whose pods are asked first which container that is; uid is its own then
}

// tails reads the ends of logs beside the passes, since a kubelet may be slow: what has been read is told by the next pass.
type tails struct {
	read  func(context.Context, tail) (string, error)
	poke  func()
	asked chan tail

	reading sync.WaitGroup // what is asked and not yet read

	mu    sync.Mutex
	known map[string]ending // by uid and container
}

// ending is what was read when the container had been restarted so often: its last lines, in characters that a terminal shows.
type ending struct {
	restarts int64
	lines    []string
}

func newTails(poke func()) *tails {
	return &tails{poke: poke, asked: make(chan tail, tailsAsked), known: map[string]ending{}}
}

// of are the last lines that are known. What is not known yet is asked for, once for each restart.
func (t *tails) of(x tail) []string {
	if t.read == nil || x == (tail{}) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	was, found := t.known[x.key()]
	if found && was.restarts == x.restarts {
		return was.lines
	}
	if len(t.known) >= tailsKept { // most are of pods that are gone
		clear(t.known)
	}
	t.reading.Add(1)
	select {
	case t.asked <- x:
		t.known[x.key()] = ending{x.restarts, was.lines}
	default: // a later pass asks again
		t.reading.Done()
	}
	return was.lines
}

func (x tail) key() string { return x.uid + "/" + x.container }

// run reads until the context ends.
func (t *tails) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case x := <-t.asked:
			t.fetch(ctx, x)
			t.reading.Done()
		}
	}
}

// settled waits a while for all that has been asked.
func (t *tails) settled(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tailTime)
	defer cancel()
	read := make(chan struct{})
	go func() { t.reading.Wait(); close(read) }()
	select {
	case <-read:
	case <-ctx.Done():
	}
}

// fetch reads one. An error means that less is said: the right may be missing, or the pod gone.
func (t *tails) fetch(ctx context.Context, x tail) {
	ctx, cancel := context.WithTimeout(ctx, tailTime)
	defer cancel()
	log, err := t.read(ctx, x)
	if lines := logEnd(log); err == nil && len(lines) > 0 {
		t.mu.Lock()
		t.known[x.key()] = ending{x.restarts, lines}
		t.mu.Unlock()
		t.poke()
	}
}

// logEnd are the last lines of a log, in characters that a terminal shows, without those that Argo's executor wrote between them, and
// without the values of what is called like a secret.
func logEnd(log string) []string {
	var all []string
	for line := range strings.Lines(log) {
		argos := strings.HasPrefix(line, "time=") && strings.Contains(line, " argo=true")
		if line = reconcile.Line(redact.Assigned(line)); line != "" && !argos {
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

// podLogs reads logs from the cluster: of the run that crashed, where there was one.
func podLogs(config *rest.Config) (func(context.Context, tail) (string, error), error) {
	client, err := typedcore.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return func(ctx context.Context, x tail) (string, error) {
		if x.workflow != "" {
			pods, err := client.Pods(x.namespace).List(ctx, metav1.ListOptions{LabelSelector: podsOf(x.workflow), Limit: podsListed})
			if err != nil {
				return "", err
			}
			if x = broken(pods.Items); x == (tail{}) {
				return "", nil
			}
		}
		lines, bytes := int64(linesAsked), int64(tailBytes)
		options := corev1.PodLogOptions{Container: x.container, Previous: x.restarts > 0, TailLines: &lines, LimitBytes: &bytes}
		text, err := client.Pods(x.namespace).GetLogs(x.pod, &options).DoRaw(ctx)
		return string(text), err
	}, nil
}
