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

// deployed is the work on one SeldonDeployment: at most one server answers, and another one is being started beside it.
type deployed struct {
	engine *Engine
	record record
	now    *server // that the route leads to; nil for none
	pause  time.Duration
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

// converge makes a server of the wanted image answer. The one before it answers until then.
func (d *deployed) converge(ctx context.Context) error {
	want := d.record.deployment()
	if err := d.crashed(); err != nil {
		return err
	}
	if d.now == nil || d.now.image != want.image {
		next, err := d.engine.serve(ctx, d.record, want)
		if err != nil {
			return err
		}
		d.engine.retire(d.now, d.engine.front.Route(d.record.Namespace, d.record.Name, next.address))
		d.now = next
	}
	d.tell(plan.Succeeded, "")
	return nil
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
	d.now.log.Close()
	d.now = nil
	return err
}

// drop ends serving.
func (d *deployed) drop() {
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
		old.group.stop()
		old.log.Close()
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

// failure says how the server ended, with its last words.
func (s *server) failure(what string) error {
	if s.group.err != nil {
		what += " (" + ending(s.group.err) + ")"
	}
	return errors.New(what + "; " + words(s.log.tail(), filepath.Join(filepath.Base(filepath.Dir(filepath.Dir(s.name))), "logs", filepath.Base(s.name))))
}
