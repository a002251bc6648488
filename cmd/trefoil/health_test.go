package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// TestHealth: a daemon that leads lives by its passes alone, one that waits by asking for the lease.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settled := false
		h := newHealth(15*time.Second, func() bool { return settled })
		day := func(beat func()) {
			for range 24 * 60 {
				beat()
				time.Sleep(time.Minute)
			}
		}
		day(h.waits)
		if err := h.alive(); err != nil {
			t.Errorf("one that waits: %v", err)
		}
		h.lead(true)
		day(h.passed)
		if err := h.alive(); err != nil {
			t.Errorf("one that leads: %v", err)
		}
		day(h.waits)
		if err := h.alive(); err == nil {
			t.Error("one that only renews its lease is alive")
		}
		if err := h.ready(); err == nil {
			t.Error("ready before the cluster has answered")
		}
		settled = true
		if err := h.ready(); err == nil {
			t.Error("ready before git has answered")
		}
		ctx, cancel := context.WithCancel(t.Context())
		h.look(ctx, answering{}, time.Second)
		if err := h.ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		cancel()
	})
}

// answering is a repository with a branch.
type answering struct{ folder }

func (answering) Tip(context.Context) (plan.Revision, error) { return "0", nil }
