// Package local is Polyaxon, Argo Workflows and Seldon Core on one machine: experiments are processes, images are OCI layouts in a
// folder, and what is served answers on loopback. It holds the objects that package render makes, as the real engines do, so that all
// above it is the same: the plan, the words, the commits.
//
// What an object asks for is kept in a file each, and so is what came of it. An Engine that works on them (Run) may be killed
// anywhere: whatever it had started is ended by the next one, and what had not ended is run again.
package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/local/seldon"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// Options say where an Engine keeps things. All but Interpreter are needed.
type Options struct {
	// Dir holds the objects and what comes of them: experiments with their logs and outputs, images. It is made where it is missing.
	Dir string
	// Cache holds what can be had again: environments with the packages that code asks for.
	Cache string
	// Repository is the URL of the spec repository as objects name it, and Source its content at a commit.
	Repository string
	Source     func(ctx context.Context, commit string) (fs.FS, error)
	// Base is an image that packaging puts below the model, where it can be had; none for "". Push says whether images go to their
	// registries too, with the rights that the person has there.
	Base string
	Push bool
	// Interpreter is a Python 3; without it one is looked for.
	Interpreter string
	// Poke is called when something has changed that an Observe shows.
	Poke func()
	Log  *slog.Logger
}

// Engine implements reconcile.Engine and reconcile.Evidence for objects of all kinds. Only one process at a time may call other methods
// than Observe for a Dir: the one that holds its lock.
type Engine struct {
	options Options
	store   store
	front   *seldon.Front
	// python returns the folder of an interpreter that has what a source folder asks for, and is told how far that is.
	python  func(ctx context.Context, source string, told func(line string)) (programs string, err error)
	tracker *tracker
	wakes   chan struct{}
	started atomic.Bool

	states sync.Mutex                  // of experiments
	spaces map[string][]map[string]any // points by uid of the search

	images sync.Mutex // which are packaged or unpacked one at a time: two may be the same

	mu   sync.Mutex
	jobs map[string]job // by uid of the object
	all  sync.WaitGroup
}

var (
	_ reconcile.Engine   = (*Engine)(nil)
	_ reconcile.Evidence = (*Engine)(nil)
)

// New returns an Engine that works on nothing until Run.
func New(o Options) *Engine {
	e := &Engine{
		options: o, front: seldon.NewFront(), store: store{dir: filepath.Join(o.Dir, "objects")}, wakes: make(chan struct{}, 1),
		spaces: map[string][]map[string]any{}, jobs: map[string]job{},
	}
	e.python = e.packages
	return e
}

// now is the time as files keep it.
func (e *Engine) now() time.Time { return time.Now().UTC().Round(0) }

func (e *Engine) wake() {
	select {
	case e.wakes <- struct{}{}:
	default: // it looks again anyway
	}
}

// mark is that of the processes of an object of this Engine; of all of them for "".
func (e *Engine) mark(uid string) string {
	sum := sha256.Sum256([]byte(e.options.Dir))
	return hex.EncodeToString(sum[:8]) + "/" + uid
}

// Start ends what an Engine left that was killed, and begins to listen, until ctx ends. It returns where predictions are answered:
// the given port of loopback, or another one where that is taken.
func (e *Engine) Start(ctx context.Context, port int) (address string, err error) {
	if err := os.MkdirAll(e.options.Dir, 0o700); err != nil {
		return "", err
	}
	if err := replace(filepath.Join(e.options.Dir, ".gitignore"), []byte("*\n")); err != nil { // git sees nothing of it
		return "", err
	}
	sweep(e.mark(""))
	for _, scratch := range []string{"code", "served"} {
		if err := os.RemoveAll(filepath.Join(e.options.Dir, scratch)); err != nil {
			return "", err
		}
	}
	if err := e.unready(); err != nil {
		return "", err
	}
	e.retry(e.now())
	if e.tracker, err = e.track(ctx); err != nil {
		return "", err
	}
	e.started.Store(true)
	return e.answer(ctx, port)
}

// unready notes that nothing answers yet.
func (e *Engine) unready() error {
	list, err := e.store.all(render.SeldonDeployment)
	for _, r := range list {
		if r.UID == "" { // it can't be read
			continue
		}
		err = errors.Join(err, e.set(r, func(r *record) bool {
			r.Phase, r.Message = plan.Running, ""
			return true
		}))
	}
	return err
}

// Run works on the objects until ctx ends, and returns once all that it had started has ended. Start comes before it.
func (e *Engine) Run(ctx context.Context) {
	defer e.all.Wait()
	ticks := time.NewTicker(repeat / 6)
	defer ticks.Stop()
	for {
		if err := e.look(ctx); err != nil {
			e.options.Log.Error("the local engine can't read what it keeps", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-e.wakes:
		case <-ticks.C:
			e.retry(e.now().Add(-repeat))
		}
	}
}
