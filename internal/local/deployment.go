package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

const (
	// shortest and longest are the pauses before a server that ended is started again.
	shortest = time.Second
	longest  = time.Minute
	// draining is how long requests that the old release still answers are waited for.
	draining = 30 * time.Second
)

// nowhere is an address at which nothing ever answers.
const nowhere = loopback + ":0"

// deployed is the work on one SeldonDeployment: at most one server answers, and at most one is being started beside it.
type deployed struct {
	engine *Engine
	record record
	now    *server // that the route leads to; nil for none
	next   *start  // nil for none
	pause  time.Duration
}

// start is a server that is being started.
type start struct {
	image  string
	cancel context.CancelFunc
	done   chan struct{} // closed once there is a server, or an error
	server *server
	err    error
}

// runDeployment keeps serving what the SeldonDeployment asks for, until it is gone. changed says that it asks for something else.
func (e *Engine) runDeployment(ctx context.Context, r record, changed <-chan struct{}) {
	d := &deployed{engine: e, record: r}
	defer d.drop()
	for {
		var again <-chan time.Time
		if err := d.converge(ctx); err != nil && ctx.Err() == nil {
			d.pause = min(longest, max(shortest, 2*d.pause))
			d.tell(plan.Failed, fmt.Sprintf("%v; it is started again in %v", err, d.pause))
			again = time.After(d.pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
			if now, found, err := e.store.get(r.ref()); err == nil && found && now.UID == r.UID {
				d.record, d.pause = now, 0
			}
		case <-again:
		case <-d.ended():
		case <-d.started():
		}
	}
}

// ended is closed once the server that answers has ended by itself.
func (d *deployed) ended() <-chan struct{} {
	if d.now == nil {
		return nil
	}
	return d.now.group.done
}

// started is closed once the server that is being started is ready, or never will be.
func (d *deployed) started() <-chan struct{} {
	if d.next == nil {
		return nil
	}
	return d.next.done
}

// converge takes over from a server that has become ready, and begins to start one where another image is wanted. The error says why
// that came to nothing, or why there is nothing that answers any more.
func (d *deployed) converge(ctx context.Context) error {
	want := d.record.deployment()
	if err := d.crashed(); err != nil {
		return err
	}
	if err := d.take(want); err != nil {
		return err
	}
	switch {
	case d.now != nil && d.now.image == want.image:
		d.abandon()
		d.tell(plan.Succeeded, "")
	case d.next == nil:
		d.next = d.engine.start(ctx, d.record, want)
	}
	return nil
}

// start begins to start a server.
func (e *Engine) start(ctx context.Context, r record, want deployment) *start {
	ctx, cancel := context.WithCancel(ctx)
	s := &start{image: want.image, cancel: cancel, done: make(chan struct{})}
	e.all.Go(func() {
		defer close(s.done)
		s.server, s.err = e.serve(ctx, r, want)
	})
	return s
}

// take makes a server that is ready the one that answers. One that nobody wants any more is given up.
func (d *deployed) take(want deployment) error {
	if d.next != nil && d.next.image != want.image {
		d.abandon()
	}
	select {
	case <-d.started(): // never, where there is none
	default:
		return nil
	}
	next := d.next
	d.next = nil
	next.cancel()
	if next.err != nil {
		return next.err
	}
	d.engine.retire(d.now, d.engine.front.Route(d.record.Namespace, d.record.Name, next.server.address))
	d.now = next.server
	return nil
}

// abandon gives up the server that is being started, if there is one.
func (d *deployed) abandon() {
	next := d.next
	if d.next = nil; next == nil {
		return
	}
	next.cancel()
	d.engine.all.Go(func() {
		<-next.done
		if next.err == nil { // it was ready before it was given up
			next.server.end()
		}
	})
}

// crashed notices that the server has ended. One that had answered for long is started again soon.
func (d *deployed) crashed() error {
	if d.now == nil {
		return nil
	}
	select {
	case <-d.now.group.done:
	default:
		return nil
	}
	if time.Since(d.now.began) > longest {
		d.pause = 0
	}
	d.engine.front.Route(d.record.Namespace, d.record.Name, nowhere) // its port may be another's by now
	err := d.now.failure("it crashed")
	d.now.end()
	d.now = nil
	return err
}

// drop ends serving.
func (d *deployed) drop() {
	d.abandon()
	drained := d.engine.front.Drop(d.record.Namespace, d.record.Name)
	d.engine.retire(d.now, drained)
	d.now = nil
}

// retire ends a server once it has answered all that it was asked.
func (e *Engine) retire(old *server, drained <-chan struct{}) {
	if old == nil {
		return
	}
	e.all.Go(func() {
		select {
		case <-drained:
		case <-time.After(draining):
		}
		old.end()
	})
}

// tell notes how far the deployment is. Where that is not possible it is told with the next change.
func (d *deployed) tell(phase plan.Phase, message string) {
	message = reconcile.Line(message)
	_ = d.engine.set(d.record, func(r *record) bool {
		if r.Phase == phase && r.Message == message {
			return false
		}
		r.Phase, r.Message = phase, message
		return true
	})
}

// server is a process that serves an image.
type server struct {
	image   string
	address string // host:port
	group   *group
	log     *logFile
	name    string // of the log
	began   time.Time
}

// end ends the process, where it has not ended by itself.
func (s *server) end() {
	s.group.stop()
	_ = s.log.Close() // nothing writes to it any more
}

// failure says how the server ended, with its last words.
func (s *server) failure(what string) error {
	if s.group.err != nil {
		what += " (" + ending(s.group.err) + ")"
	}
	return errors.New(what + "; " + words(s.log.tail(), filepath.Join(filepath.Base(filepath.Dir(filepath.Dir(s.name))), "logs", filepath.Base(s.name))))
}
