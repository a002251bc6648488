package main

import (
	"context"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/metrics"
	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// lead makes passes while this daemon holds the lease, and waits for it otherwise, until ctx ends. What is under way then is finished
// before the lease is given back.
func (d *daemon) lead(ctx context.Context) error {
	counts, life := metrics.New(), newHealth(time.Duration(d.config.Poll), d.seat.settled)
	keeper, err := d.keeper()
	if err != nil {
		return err
	}
	closed, err := serve(d.config.Listen, life, counts, d.loop.Log)
	if err != nil {
		return err
	}
	defer closed()
	if err := d.hear(ctx, life.leads, counts.Webhook); err != nil {
		return err
	}
	go life.look(ctx, d.loop.Source, time.Duration(d.config.Poll))
	if d.watch != nil {
		go d.watch(ctx)
	}
	d.loop.Source, d.loop.Searches, d.loop.Cluster = counts.Source(d.loop.Source), counts.Searches(d.loop.Searches), counts.Engine(d.loop.Cluster)
	d.loop.Report = func(pass reconcile.Pass, took time.Duration, err error) {
		life.passed()
		counts.Pass(pass, took, err)
		keeper.take(pass, err)
		if d.told != nil {
			d.told(pass, err)
		}
	}
	return d.seat.hold(ctx, life.waits, func(leading context.Context) {
		counts.Lead(true)
		life.lead(true)
		keeper.during(leading, func() { d.loop.Lead(ctx, leading) })
		life.lead(false)
		counts.Lead(false)
	})
}

// warn says that another daemon acts too. What can't be asked is left to the pass.
func (d *daemon) warn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, silence/2)
	defer cancel()
	s := seen{now: time.Now()}
	var err error
	if s.term, err = d.seat.leader(ctx); err == nil && s.leads() {
		d.loop.Log.Info("a daemon leads, and acts too", "holder", s.term.Holder)
	}
}

// redact takes the secrets of the configuration out of a text, also those that were in the files before. What made the text has done
// so already.
func (c config) redact() func(string) string {
	var (
		mu     sync.Mutex
		known  redact.Memory
		looked time.Time
	)
	return func(text string) string {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(looked) >= time.Second { // there may be a text for each model
			known.Add(c.secrets()...)
			looked = time.Now()
		}
		return known.Clean(text)
	}
}
