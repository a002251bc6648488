package kube

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// What is read of a log, and how long the kubelet may take for it.
const (
	tailLines   = 20
	tailBytes   = 16 << 10
	tailTime    = 5 * time.Second
	tailsKept   = 1000
	tailsAsked  = 100
	tailLongest = 200 // characters of all lines that are told
)

// tail names the end of a container's log.
type tail struct {
	namespace, pod, uid, container string
	restarts                       int64
}

// tails reads the ends of logs beside the passes, since a kubelet may be slow: what has been read is told by the next pass.
type tails struct {
	read  func(context.Context, tail) (string, error)
	poke  func()
	asked chan tail

	mu    sync.Mutex
	known map[string]ending // by uid and container
}

// ending is what was read when the container had been restarted so often.
type ending struct {
	restarts int64
	words    string
}

func newTails(poke func()) *tails {
	return &tails{poke: poke, asked: make(chan tail, tailsAsked), known: map[string]ending{}}
}

// words are the last ones that are known, in one line. What is not known yet is asked for, once for each restart.
func (t *tails) words(x tail) string {
	if t.read == nil || x == (tail{}) {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := x.uid + "/" + x.container
	was, found := t.known[key]
	if found && was.restarts == x.restarts {
		return was.words
	}
	if len(t.known) >= tailsKept { // most are of pods that are gone
		clear(t.known)
	}
	select {
	case t.asked <- x:
		t.known[key] = ending{x.restarts, was.words}
	default: // a later pass asks again
	}
	return was.words
}

// run reads until the context ends.
func (t *tails) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case x := <-t.asked:
			t.fetch(ctx, x)
		}
	}
}

// fetch reads one. An error means that less is said: the right may be missing, or the pod gone.
func (t *tails) fetch(ctx context.Context, x tail) {
	ctx, cancel := context.WithTimeout(ctx, tailTime)
	defer cancel()
	log, err := t.read(ctx, x)
	if words := lastWords(log); err == nil && words != "" {
		t.mu.Lock()
		t.known[x.uid+"/"+x.container] = ending{x.restarts, words}
		t.mu.Unlock()
		t.poke()
	}
}

// lastWords are as many of the last lines as people read, without secrets and what a terminal would obey.
func lastWords(log string) string {
	lines := strings.Split(strings.TrimRight(log, "\r\n "), "\n")
	words := ""
	for i := len(lines) - 1; i >= max(0, len(lines)-tailLines); i-- {
		line := reconcile.Line(redact.Assigned(lines[i]))
		switch {
		case line == "":
			continue
		case words == "":
			words = line
			continue
		case len([]rune(words))+len([]rune(line)) > tailLongest:
			return words
		}
		words = line + " | " + words
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
		lines, bytes := int64(tailLines), int64(tailBytes)
		options := corev1.PodLogOptions{Container: x.container, Previous: x.restarts > 0, TailLines: &lines, LimitBytes: &bytes}
		text, err := client.Pods(x.namespace).GetLogs(x.pod, &options).DoRaw(ctx)
		return string(text), err
	}, nil
}
