package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

const (
	// reportPause is the least time between two writes of the status.
	reportPause = 5 * time.Second
	// reportPatience is how long the cluster may take for one.
	reportPatience = 10 * time.Second
)

// keeper writes what the loop knows to where it acts, beside the loop: a cluster that does not answer delays no pass.
type keeper struct {
	report   report
	reporter reconcile.Reporter
	log      *slog.Logger

	now      reconcile.Status      // after the last pass
	latest   chan reconcile.Status // one slot
	saved    time.Time             // Written of what was stored last
	hindered bool                  // that is told already
}

func (d *daemon) keeper() (*keeper, error) {
	report, err := d.seat.report()
	return &keeper{
		report: report, reporter: reconcile.Reporter{Holder: d.loop.Holder, Redact: d.config.redact()}, log: d.loop.Log,
		latest: make(chan reconcile.Status, 1),
	}, err
}

// during keeps the status written while act runs, and until leading ends.
func (k *keeper) during(leading context.Context, act func()) {
	k.recall(leading)
	writing, stop := context.WithCancel(leading)
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.write(writing)
	}()
	act()
	stop()
	<-done
	select {
	case s := <-k.latest:
		k.save(leading, s)
	default:
	}
}

// recall reads what the last leader wrote, so that what is still so keeps its time.
func (k *keeper) recall(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	text, err := k.report.Read(ctx)
	if k.tell(ctx, err); err != nil {
		return
	}
	k.now, err = reconcile.ParseStatus([]byte(text))
	if err != nil {
		k.now = reconcile.Status{}
	}
	k.saved = k.now.Written
}

// take is called with each pass.
func (k *keeper) take(pass reconcile.Pass, err error) {
	k.now = k.reporter.After(k.now, pass, err, time.Now())
	select {
	case <-k.latest:
	default:
	}
	k.latest <- k.now
}

// write stores what take brought until ctx ends.
func (k *keeper) write(ctx context.Context) {
	for {
		select {
		case s := <-k.latest:
			if !k.save(ctx, s) {
				continue
			}
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(reportPause):
		case <-ctx.Done():
			return
		}
	}
}

// save stores a status unless it says nothing new, and reports whether a request was made. Over what somebody else wrote meanwhile
// the next one is put, a pass later: a daemon that was asleep has lost its lease by then.
func (k *keeper) save(ctx context.Context, s reconcile.Status) bool {
	if s.Written.Equal(k.saved) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	err := k.report.Write(ctx, string(s.Encode()))
	switch {
	case err == nil:
		k.saved = s.Written
	case errors.Is(err, reconcile.ErrStale):
		_, err = k.report.Read(ctx)
	}
	k.tell(ctx, err)
	return true
}

// tell logs once that something hinders, until it does no more.
func (k *keeper) tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
	case err == nil:
		k.hindered = false
	case !k.hindered:
		k.hindered = true
		k.log.Warn("the status is not written", "error", err)
	}
}
