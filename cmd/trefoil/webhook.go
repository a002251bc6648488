package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

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

// hear takes webhooks until closed is called, where there is a secret for them. Also who waits for the lease listens: to be ready is to
// be able to lead, and a port that opens only then would lose what is sent meanwhile. It answers 503 to what is signed, so that who is
// before it (an ingress that tries the next pod) finds the one that leads; to answer 204 would be a word that nobody keeps.
func (d *daemon) hear(leads func() bool, count func(result string)) (closed func(), err error) {
	c := d.config
	if c.Webhook.SecretFile == "" {
		return func() {}, nil
	}
	if _, err := webhook.ReadSecrets(c.Webhook.SecretFile); err != nil {
		return nil, fmt.Errorf("webhook.secretFile: %w", err)
	}
	socket, err := net.Listen("tcp", c.Webhook.Listen)
	if err != nil {
		return nil, fmt.Errorf("webhook.listen (--webhook-listen): %w", err)
	}
	d.loop.Log.Info("takes webhooks", "address", socket.Addr().String(), "path", "/webhook")
	return webhook.Serve(socket, webhook.Handler(webhook.Options{
		Repository: c.Repository.URL, Branch: c.Repository.Branch,
		Secrets: (&secretFile{name: c.Webhook.SecretFile, log: d.loop.Log}).read,
		Leads:   leads, Poke: d.loop.Poke, Count: func(r webhook.Result) { count(string(r)) },
	})), nil
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
		fault = err.Error()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault != f.fault && fault != "" {
		f.log.Warn("webhooks are not taken", "error", fault)
	}
	f.fault = fault
	return secrets, err
}
