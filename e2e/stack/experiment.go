//go:build e2e

package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// artifacts is where containers of Polyaxon find code and outputs; the agent
// puts its own folders in place of it.
const artifacts = "/plx-context/artifacts/"

// operation is what the agent needs of a compiled one.
type operation struct {
	Termination struct {
		Timeout int `json:"timeout"` // seconds
	} `json:"termination"`
	Run struct {
		Init []struct {
			Git struct {
				URL      string `json:"url"`
				Revision string `json:"revision"`
			} `json:"git"`
		} `json:"init"`
		Container struct {
			Command    []string `json:"command"`
			Args       []string `json:"args"`
			WorkingDir string   `json:"workingDir"`
			Env        []struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			} `json:"env"`
		} `json:"container"`
	} `json:"run"`
}

// experiment is one run in the hands of an agent.
type experiment struct {
	agent          *Agent
	instance, uuid string
	operation      operation
	dir            string // of its own: code, log

	once    sync.Once
	stopped chan struct{} // closed when the server wants it to end
	process *process      // guarded by Agent.mu
}

func (a *Agent) newExperiment(item []any) (*experiment, error) {
	instance, _ := text(item, 0)
	content, ok := text(item, 3)
	uuid := instance[strings.LastIndex(instance, ".")+1:]
	if !ok || uuid == "" {
		return nil, fmt.Errorf("the server hands out %v", item)
	}
	x := &experiment{agent: a, instance: instance, uuid: uuid, dir: filepath.Join(a.dir, uuid), stopped: make(chan struct{})}
	if err := json.Unmarshal([]byte(content), &x.operation); err != nil {
		return nil, fmt.Errorf("run %s: %w", instance, err)
	}
	return x, nil
}

func (x *experiment) stop() { x.once.Do(func() { close(x.stopped) }) }

// live runs the experiment and reports each step.
func (x *experiment) live(ctx context.Context) {
	defer x.agent.forget(x)
	x.agent.report(ctx, x.instance, "starting", "")
	status, message := "succeeded", ""
	switch err := x.run(ctx); {
	case errors.Is(err, errStopped):
		status = "stopped"
	case err != nil:
		status, message = "failed", err.Error()
	}
	x.agent.report(ctx, x.instance, status, message)
}

var errStopped = errors.New("stopped by the server")

// run starts the command and waits for its end.
func (x *experiment) run(ctx context.Context) error {
	if err := x.prepare(ctx); err != nil {
		return err
	}
	container := x.operation.Run.Container
	argv := append(container.Command, container.Args...)
	if len(argv) == 0 {
		return errors.New("no command; the agent has no images to take one from")
	}
	for i := range argv {
		argv[i] = x.local(argv[i])
	}
	argv[0] = x.program(argv[0])
	dir := x.dir
	if container.WorkingDir != "" {
		dir = x.local(container.WorkingDir)
	}
	p, err := start(ctx, dir, "experiment", x.env(), argv...)
	if err != nil {
		return err
	}
	x.agent.began(x, p)
	defer p.kill()
	x.agent.report(ctx, x.instance, "running", "")
	return x.wait(ctx, p)
}

func (x *experiment) wait(ctx context.Context, p *process) error {
	var late <-chan time.Time
	if t := x.operation.Termination.Timeout; t > 0 {
		late = time.After(time.Duration(t) * time.Second)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-x.stopped:
		return errStopped
	case <-late:
		return p.failure(errors.New("took longer than its termination allows"))
	case <-p.done:
		if p.err != nil {
			return p.failure(p.err)
		}
		return nil
	}
}

// prepare makes the folders and clones the code, as Polyaxon's init containers
// do: into the last element of the URL up to its first dot.
func (x *experiment) prepare(ctx context.Context) error {
	if err := errors.Join(os.MkdirAll(x.dir, 0o755), os.MkdirAll(x.agent.server.outputs(x.uuid), 0o755)); err != nil {
		return err
	}
	for _, init := range x.operation.Run.Init {
		source := init.Git.URL
		if source == "" {
			continue
		}
		name, _, _ := strings.Cut(path.Base(source), ".")
		if g := x.agent.options.Git; g != nil && g.URL() == source {
			source = g.bare
		}
		clone := filepath.Join(x.dir, name)
		if _, err := git(ctx, x.dir, "clone", "--quiet", "--no-checkout", source, clone); err != nil {
			return err
		}
		if _, err := git(ctx, clone, "checkout", "--quiet", "--detach", init.Git.Revision); err != nil {
			return err
		}
	}
	return nil
}

// local puts this machine's folders in place of the container's.
func (x *experiment) local(s string) string {
	s = strings.ReplaceAll(s, artifacts+x.uuid, filepath.Join(x.agent.server.Store, x.uuid))
	return strings.ReplaceAll(s, artifacts, x.dir+"/")
}

// program finds a command where the process will look for it.
func (x *experiment) program(name string) string {
	if x.agent.options.Python == "" || strings.Contains(name, "/") {
		return name
	}
	if found, err := exec.LookPath(filepath.Join(x.agent.options.Python, "bin", name)); err == nil {
		return found
	}
	return name
}

// env is that of the process: the container's own, then what Polyaxon adds.
func (x *experiment) env() []string {
	// Without a limit, experiments that run at once take each other's cores and
	// take ten times as long.
	env := []string{"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"}
	if python := x.agent.options.Python; python != "" {
		env = append(env, "PATH="+filepath.Join(python, "bin")+":"+os.Getenv("PATH"))
	}
	for _, v := range x.operation.Run.Container.Env {
		env = append(env, v.Name+"="+x.local(v.Value))
	}
	return append(env, "POLYAXON_RUN_INSTANCE="+x.instance, "POLYAXON_HOST="+x.agent.server.URL, "POLYAXON_IS_MANAGED=true",
		"POLYAXON_RUN_OUTPUTS_PATH="+x.agent.server.outputs(x.uuid))
}
