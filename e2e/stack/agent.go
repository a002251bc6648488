//go:build e2e

package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// AgentOptions say how an Agent runs experiments.
type AgentOptions struct {
	// Python is a virtual environment whose programs come first on PATH; empty
	// for those of the system.
	Python string
	// Git is the repository that experiments clone past its server, so that its
	// Traffic stays the daemon's; nil for none.
	Git *Git
}

// Agent does for a Polyaxon server what its agent does in a cluster, without
// containers: it takes the runs that the server hands out and runs the command
// of each as a process of its own, in a fresh clone of its code. A server has
// one agent at a time, for what is handed out once is not handed out again.
type Agent struct {
	server  *Polyaxon
	options AgentOptions
	dir     string
	cancel  context.CancelFunc
	group   sync.WaitGroup

	mu    sync.Mutex
	runs  map[string]*experiment // by uuid, while their outcome is not reported
	peak  int
	begun int
	errs  []error
}

// StartAgent starts an agent, which lives until Stop.
func (p *Polyaxon) StartAgent(options AgentOptions) (*Agent, error) {
	dir, err := os.MkdirTemp(p.options.Dir, "agent-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &Agent{server: p, options: options, dir: dir, cancel: cancel, runs: make(map[string]*experiment)}
	a.group.Go(func() { a.poll(ctx) })
	return a, nil
}

// Stop ends the agent as a crash does: its processes end, their outcome is not
// reported. The error tells what the server refused. Stopping twice is fine.
func (a *Agent) Stop() error {
	a.cancel()
	a.group.Wait()
	return errors.Join(a.errs...)
}

// Peak is the highest number of processes that ran at once so far.
func (a *Agent) Peak() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.peak
}

// Begun is how many processes were started so far.
func (a *Agent) Begun() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.begun
}

// work is what the server wants done: lists whose elements start with the run's
// instance, OWNER.PROJECT.runs.UUID. Asking for it marks it as handed out.
type work struct {
	State struct {
		Queued   [][]any `json:"queued"` // instance, runtime, name, compiled operation as JSON text, namespace
		Stopping [][]any `json:"stopping"`
		Deleting [][]any `json:"deleting"`
	} `json:"state"`
}

func (a *Agent) poll(ctx context.Context) {
	const every = time.Second // each time takes 20 ms of the server
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		var todo work
		// What goes wrong here, a server that is down above all, is asked again.
		if a.request(ctx, http.MethodGet, "/api/v1/orgs/default/agents/state", nil, &todo) == nil {
			a.take(ctx, todo)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (a *Agent) take(ctx context.Context, todo work) {
	for _, item := range todo.State.Queued {
		x, err := a.newExperiment(item)
		if err != nil {
			a.fail(err)
			continue
		}
		a.mu.Lock()
		a.runs[x.uuid] = x
		a.mu.Unlock()
		a.group.Go(func() { x.live(ctx) })
	}
	for _, item := range append(todo.State.Stopping, todo.State.Deleting...) {
		instance, _ := text(item, 0)
		a.stop(ctx, instance)
	}
}

// stop ends a run. One that this agent does not know has no process: that of an
// earlier agent ended with it.
func (a *Agent) stop(ctx context.Context, instance string) {
	a.mu.Lock()
	x := a.runs[instance[strings.LastIndex(instance, ".")+1:]]
	a.mu.Unlock()
	if x != nil {
		x.stop()
		return
	}
	a.group.Go(func() { a.report(ctx, instance, "stopped", "no process") })
}

// text is an element of what the server sends as a list of mixed values.
func text(item []any, i int) (string, bool) {
	if i >= len(item) {
		return "", false
	}
	s, ok := item[i].(string)
	return s, ok
}

// began notes that an experiment's process runs, and how many run now.
func (a *Agent) began(x *experiment, p *process) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x.process = p
	a.begun++
	running := 0
	for _, x := range a.runs {
		if x.process != nil && !x.process.ended() {
			running++
		}
	}
	a.peak = max(a.peak, running)
}

// forget drops an experiment whose outcome is reported.
func (a *Agent) forget(x *experiment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.runs, x.uuid)
}

// fail keeps an error for Stop.
func (a *Agent) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.errs = append(a.errs, err)
}

// report tells the server a run's status until it takes it: a search whose
// experiment's end is not reported never ends. A run that is gone is let go.
func (a *Agent) report(ctx context.Context, instance, status, message string) {
	const pause = 200 * time.Millisecond
	parts := strings.Split(instance, ".")
	if len(parts) != 4 {
		a.fail(fmt.Errorf("the server calls a run %q", instance))
		return
	}
	path := fmt.Sprintf("/api/v1/%s/%s/runs/%s/statuses", parts[0], parts[1], parts[3])
	body := map[string]any{"condition": map[string]any{"type": status, "status": true, "reason": "Agent", "message": message}}
	for ctx.Err() == nil {
		err := a.request(ctx, http.MethodPost, path, body, nil)
		if refused, ok := errors.AsType[statusError](err); ok && refused.final() {
			a.fail(fmt.Errorf("report %s of %s: %w", status, instance, err))
			return
		}
		if err == nil {
			return
		}
		time.Sleep(pause)
	}
}

// statusError is an answer that is not 2xx.
type statusError struct {
	code int
	body string
}

func (e statusError) Error() string { return fmt.Sprintf("%d %s", e.code, e.body) }

// final is false for what a locked database answers, the empty 405 and 500.
func (e statusError) final() bool {
	return e.code < 500 && (e.code != http.StatusMethodNotAllowed || e.body != "")
}

// request asks the server once, and is patient: what an answer hands out that is
// not read is lost. Go's transport unpacks the gzip.
func (a *Agent) request(ctx context.Context, method, path string, body, out any) error {
	const limit = 5 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, a.server.URL+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	if reply.StatusCode/100 != 2 {
		return statusError{reply.StatusCode, string(answer)}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// outputs is where a run's process leaves its results.
func (p *Polyaxon) outputs(uuid string) string { return filepath.Join(p.Store, uuid, "outputs") }
