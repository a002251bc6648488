//go:build e2e

package e2e

import (
	"context"
	"maps"
	"sync"
	"time"
)

// load asks a model five times a second, one request after another.
type load struct {
	stop context.CancelFunc
	done chan struct{}

	mu       sync.Mutex
	answered map[string]int // by image
	failed   []string
}

// ask begins a load, which lasts until its end or that of the test.
func (w *world) ask(url string, d digit) *load {
	ctx, cancel := context.WithCancel(w.Context())
	l := &load{stop: cancel, done: make(chan struct{}), answered: map[string]int{}}
	go func() {
		defer close(l.done)
		pace := time.NewTicker(200 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-pace.C:
				l.note(ask(w.Context(), url, d)) // not ctx: a request at the end of the load is answered
			}
		}
	}()
	return l
}

func (l *load) note(got answer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, err.Error())
		return
	}
	l.answered[got.Meta.RequestPath["model"]]++
}

// count is how many requests an image has answered.
func (l *load) count(image string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered[image]
}

// end stops the load, and returns how many requests each image has answered, and how others failed.
func (l *load) end() (answered map[string]int, failed []string) {
	l.stop()
	<-l.done
	return maps.Clone(l.answered), l.failed
}
