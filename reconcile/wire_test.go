package reconcile_test

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// mode is what becomes of a write and of its reply.
type mode string

const (
	done     mode = "ok"    // it happens, and the reply arrives
	lost     mode = "lost"  // it happens, and the reply does not arrive
	delayed  mode = "late"  // it happens some time after the daemon has given up
	rejected mode = "error" // it does not happen, and the reply says so
)

var errKilled = errors.New("the process was killed")

// wire is what lies between one daemon and the world. It breaks at one write, and may take the daemon with it.
type wire struct {
	mu    sync.Mutex
	at    string // a prefix of the write, such as "create Search"; empty for none
	mode  mode
	kills bool   // the daemon is dead after that write
	all   bool   // every write of that prefix breaks, not the first one only
	about string // a model of which no object can be written
	dead  bool
	late  []func()
}

// write is a write of the daemon, in the words of memory.Engine.
func (w *wire) write(what string, do func() error, late func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.dead:
		return errKilled
	case w.about != "" && concerns(what, w.about):
		return errors.New("admission webhook says no")
	}
	if w.at == "" || !strings.HasPrefix(what, w.at) {
		return do()
	}
	w.dead = w.kills
	if !w.all {
		w.at = ""
	}
	switch w.mode {
	case lost:
		return errors.Join(do(), context.DeadlineExceeded)
	case delayed:
		w.late = append(w.late, late)
		return context.DeadlineExceeded
	case rejected:
		return errors.New("500: no")
	}
	return do()
}

// concerns reports whether a write is about an object of the model.
func concerns(what, model string) bool {
	name := what[strings.LastIndexAny(what, " /")+1:]
	return name == model || strings.HasPrefix(name, model+"-v1-") || strings.HasPrefix(name, model+"-pkg-v1-")
}

// arrive lets the late writes happen.
func (w *wire) arrive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, do := range w.late {
		do()
	}
	w.late = nil
}

func (w *wire) alive() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return errKilled
	}
	return nil
}

// wiredEngine is an engine as that daemon sees it.
type wiredEngine struct {
	*memory.Engine
	wire *wire
}

func (e wiredEngine) Observe(ctx context.Context) (plan.Live, error) {
	if err := e.wire.alive(); err != nil {
		return plan.Live{}, err
	}
	return e.Engine.Observe(ctx)
}

func (e wiredEngine) Apply(ctx context.Context, object render.Object, seen string) error {
	verb := "create "
	if seen != "" {
		verb = "update "
	}
	do := func() error { return e.Engine.Apply(context.WithoutCancel(ctx), object, seen) }
	late := func() { _ = do() } // nobody hears of it
	if object.Ref.Kind == render.Search {
		late = func() { e.Double(object) } // the look before it was long ago
	}
	return e.wire.write(verb+object.Ref.String(), do, late)
}

func (e wiredEngine) Remove(ctx context.Context, ref render.Ref, uid, seen string) error {
	do := func() error { return e.Engine.Remove(context.WithoutCancel(ctx), ref, uid, seen) }
	return e.wire.write("remove "+ref.String(), do, func() { _ = do() })
}

func (e wiredEngine) Fetch(ctx context.Context, experiment, path string) error {
	do := func() error { return e.Engine.Fetch(context.WithoutCancel(ctx), experiment, path) }
	return e.wire.write("fetch "+experiment, do, func() { _ = do() })
}

// wiredSource is the repository as that daemon sees it.
type wiredSource struct {
	*memory.Source
	wire *wire
}

func (s wiredSource) Tip(ctx context.Context) (plan.Revision, error) {
	if err := s.wire.alive(); err != nil {
		return "", err
	}
	return s.Source.Tip(ctx)
}

func (s wiredSource) Fetch(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	if err := s.wire.alive(); err != nil {
		return nil, err
	}
	return s.Source.Fetch(ctx, revision)
}

func (s wiredSource) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (made plan.Revision, err error) {
	do := func() (err error) {
		made, err = s.Source.Commit(context.WithoutCancel(ctx), base, edit)
		return err
	}
	err = s.wire.write("commit "+edit.Message, do, func() { _ = do() })
	return made, err
}

// wired is a loop behind the wire.
func (w *world) wired(wire *wire, holder string) *reconcile.Loop {
	o := w.loop().Options
	o.Source, o.Searches, o.Cluster = wiredSource{w.source, wire}, wiredEngine{w.searches, wire}, wiredEngine{w.cluster, wire}
	o.Holder = holder
	return reconcile.New(o)
}
