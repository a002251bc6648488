//go:build e2e

package polyaxon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// TestServer runs the suite against the real server, with the settings that its database has by default and with those that
// make overlapping writes wait.
func TestServer(t *testing.T) {
	for name, cured := range map[string]bool{"default": false, "cured": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			p, err := stack.StartPolyaxon(ctx, stack.PolyaxonOptions{Dir: t.TempDir(), Cured: cured, Progress: t.Output()})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			s := server{p.URL, p.Store, time.Sleep, 3 * time.Second}
			runSuite(t, s)
			t.Run("crowd", func(t *testing.T) { crowd(newBench(t, s, "crowd")) })
			t.Run("killed", func(t *testing.T) { killed(newBench(t, s, "killed"), p) })
		})
	}
}

// crowd: searches of six models at once, and each is there once. By default the server's database refuses most of the writes.
func crowd(b *bench) {
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			if err := b.engine.Apply(b.Context(), object(fmt.Sprintf("model%d", i), 5, nil), ""); err != nil {
				b.Error(err)
			}
		})
	}
	group.Wait()
	if all := b.all(); len(all) != 6 {
		b.Errorf("%d searches: %v", len(all), all)
	}
}

// killed: the server dies in the middle of a create and comes back. There is one search in the end, and no doubt about it.
func killed(b *bench, p *stack.Polyaxon) {
	b.apply(object("digits", 1, nil)) // the project is there
	search := object("mnist", 100, nil)
	done := make(chan error, 1)
	go func() { done <- b.engine.Apply(b.Context(), search, "") }()
	time.Sleep(time.Second)
	p.Kill()
	if err := <-done; err == nil {
		b.Log("the create was faster than the kill")
	} else if _, broken := errors.AsType[*brokenError](err); !broken {
		b.Error(err)
	}
	if live, err := b.engine.Observe(b.Context()); err == nil || len(live.Objects) != 0 {
		b.Errorf("with the server down: %v", live)
	}
	if err := p.Restart(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := b.engine.Apply(ctx, search, ""); err != nil {
		b.Fatal(err)
	}
	if all := b.all(); len(all) != 2 {
		b.Fatal(all)
	}
}
