package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/internal/webhook"
)

// webhookConfig is for a git server that says when something was pushed. There is no flag for the secret: others see those.
type webhookConfig struct {
	Listen     string `json:"listen"`
	SecretFile string `json:"secretFile"`
}

// checkWebhook refuses a port that would take what anybody sends, and a secret without one.
func (c config) checkWebhook() error {
	w := c.Webhook
	switch {
	case w.Listen != "" && w.SecretFile == "":
		return errors.New("webhook.listen (--webhook-listen) without webhook.secretFile: " +
			"who may send webhooks is known by that secret, so name its file")
	case w.SecretFile != "" && w.Listen == "":
		return errors.New("webhook.secretFile without webhook.listen (--webhook-listen): say where to listen, such as 127.0.0.1:8081")
	}
	return need(w.Listen == "" || isAddress(w.Listen), "webhook.listen", "--webhook-listen", w.Listen,
		"an IP and a port, such as 127.0.0.1:8081; 0.0.0.0 is all of them")
}

// hear takes webhooks until ctx ends, where there is a secret for them. Also who waits for the lease does: a Service sends them to any
// pod that is ready, and git servers don't try again where one is refused (GitLab then even stops). It rings, and the one that leads hears.
func (d *daemon) hear(ctx context.Context, leads func() bool, count func(result string)) error {
	c := d.config
	if c.Webhook.SecretFile == "" {
		return nil
	}
	if _, err := webhook.ReadSecrets(c.Webhook.SecretFile); err != nil {
		return fmt.Errorf("webhook.secretFile: %w", unnamed(c.Webhook.SecretFile, err))
	}
	bell, err := d.bell(d.loop.Poke)
	if err != nil {
		return err
	}
	socket, err := net.Listen("tcp", c.Webhook.Listen)
	if err != nil {
		return fmt.Errorf("webhook.listen (--webhook-listen): %w", err)
	}
	r := &ringer{bell: bell, log: d.loop.Log, asked: make(chan struct{}, 1)}
	go bell.Listen(ctx)
	go r.run(ctx)
	d.loop.Log.Info("takes webhooks", "address", socket.Addr().String(), "path", "/webhook")
	context.AfterFunc(ctx, webhook.Serve(socket, webhook.Handler(webhook.Options{
		Repository: c.Repository.URL, Branch: c.Repository.Branch,
		Secrets: (&secretFile{name: c.Webhook.SecretFile, log: d.loop.Log}).read,
		Poke: func() {
			if leads() {
				d.loop.Poke()
			} else {
				r.ask()
			}
		},
		Count: func(r webhook.Result) { count(string(r)) },
	})))
	return nil
}

// ringer rings for a daemon that waits, at most once a second: whatever is asked for meanwhile is one more ring after it.
type ringer struct {
	bell  *kube.Bell
	log   *slog.Logger
	asked chan struct{} // one slot
}

func (r *ringer) ask() {
	select {
	case r.asked <- struct{}{}:
	default:
	}
}

// run rings until ctx ends. A ring that is not heard is not repeated: the poll of the one that leads does the same.
func (r *ringer) run(ctx context.Context) {
	for {
		select {
		case <-r.asked:
		case <-ctx.Done():
			return
		}
		inner, cancel := context.WithTimeout(ctx, reportPatience)
		err := r.bell.Ring(inner)
		cancel()
		if err != nil && ctx.Err() == nil {
			r.log.Warn("the daemon that leads is not told of a webhook, its poll will do", "error", err)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}

// secretFile is read for each request that is signed, so that a new secret holds at once. It is safe for concurrent use.
type secretFile struct {
	name string
	log  *slog.Logger

	mu    sync.Mutex
	fault string // as it was told
}

// read logs once that the file can't be read, until it can again.
func (f *secretFile) read() ([]string, error) {
	secrets, err := webhook.ReadSecrets(f.name)
	fault := ""
	if err != nil {
		fault = unnamed(f.name, err).Error()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault != f.fault && fault != "" {
		f.log.Warn("webhooks are not taken", "error", fault)
	}
	f.fault = fault
	return secrets, err
}
