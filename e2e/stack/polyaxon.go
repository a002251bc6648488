//go:build e2e

package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// PolyaxonOptions say how a Polyaxon server is started.
type PolyaxonOptions struct {
	// Dir gets the server's data, its log and what its agent runs. It exists.
	Dir string
	// Cured gives sqlite the settings with which overlapping writes wait for
	// one another; by default some of them fail, as an empty 405.
	Cured bool
	// Progress hears of what is installed.
	Progress io.Writer
}

// Polyaxon is a running Polyaxon server of the Community Edition, its matrix
// scheduler included. What starts the experiments is an Agent.
type Polyaxon struct {
	URL string
	// Store is the folder of the runs' files: UUID/outputs/...
	Store string

	options PolyaxonOptions
	program string
	port    int
	process *process
}

// StartPolyaxon installs the server where it is missing, starts it on loopback
// and waits until it answers: 6 to 20 s. ctx bounds the start alone.
func StartPolyaxon(ctx context.Context, options PolyaxonOptions) (*Polyaxon, error) {
	venv, err := haupt(ctx, options.Progress)
	if err != nil {
		return nil, fmt.Errorf("install the Polyaxon server: %w", err)
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	p := &Polyaxon{
		URL: address("http", port), Store: filepath.Join(options.Dir, "store"),
		options: options, program: filepath.Join(venv, "bin", "haupt"), port: port,
	}
	if err := os.MkdirAll(p.Store, 0o755); err != nil {
		return nil, err
	}
	return p, p.Restart(ctx)
}

// Restart starts the server again after Stop or Kill, with the same address and
// data, and waits until it answers.
func (p *Polyaxon) Restart(ctx context.Context) error {
	env := []string{"HOME=" + p.Store, "POLYAXON_ARCHIVES_ROOT=" + filepath.Join(p.options.Dir, "archives")}
	if p.options.Cured {
		env = append(env, `POLYAXON_DB_OPTIONS={"timeout":30,"transaction_mode":"IMMEDIATE",`+
			`"init_command":"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}`)
	}
	process, err := start(ctx, p.options.Dir, "polyaxon", env, p.program, "sandbox", "start",
		"--host", host(), "--port", fmt.Sprint(p.port), "--workers", "1", "--path", p.Store)
	if err != nil {
		return err
	}
	p.process = process
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("not ready in time"))
	defer cancel()
	health := p.URL + "/healthz"
	if err := waitReady(ctx, process, "GET "+health, func(ctx context.Context) error { return probe(ctx, health) }); err != nil {
		process.kill()
		return err
	}
	return nil
}

// Stop ends the server as a person does. Stopping twice is fine.
func (p *Polyaxon) Stop() {
	const grace = 10 * time.Second
	p.process.stop(grace)
}

// Tail is the end of the server's log.
func (p *Polyaxon) Tail() string {
	tail, err := tailOf(filepath.Join(p.options.Dir, "polyaxon.log"))
	if err != nil {
		return err.Error()
	}
	return tail
}

// Kill ends the server as a power cut does.
func (p *Polyaxon) Kill() { p.process.kill() }
