//go:build e2e

// Stack starts the engines of the end-to-end tests to try things by hand, with an empty git repository and a trefoil.yaml that
// names them all, and runs until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// requirements are what the training code of the example needs.
const requirements = "examples/mnist/train-mnist/requirements.txt"

func main() {
	keep := flag.Bool("keep", false, "keep logs and data at the end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, keep bool) (err error) {
	s, err := stack.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop(keep)) }()
	git, err := stack.StartGit(ctx, s.Dir())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, git.Close()) }()
	polyaxon, err := stack.StartPolyaxon(ctx, stack.PolyaxonOptions{Dir: s.Dir(), Cured: true, Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer polyaxon.Stop()
	agent, err := startAgent(ctx, polyaxon, git)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, agent.Stop()) }()
	if err := explain(s, git, polyaxon); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func startAgent(ctx context.Context, polyaxon *stack.Polyaxon, git *stack.Git) (*stack.Agent, error) {
	text, err := os.ReadFile(requirements)
	if err != nil {
		return nil, err
	}
	python, err := stack.TrainingPython(ctx, os.Stderr, strings.Fields(string(text))...)
	if err != nil {
		return nil, err
	}
	return polyaxon.StartAgent(stack.AgentOptions{Python: python, Git: git})
}

// explain writes the daemon's configuration and says what is where.
func explain(s *stack.Stack, git *stack.Git, polyaxon *stack.Polyaxon) error {
	config := filepath.Join(s.Dir(), "trefoil.yaml")
	text := fmt.Sprintf("repository: {url: %s}\npoll: 2s\npolyaxon: {url: %s}\nkubernetes: {kubeconfig: %s}\nworkflows: {namespace: %s}\n",
		git.URL(), polyaxon.URL, s.Kubeconfig(stack.UserDaemon), stack.NamespaceWorkflows)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	fmt.Printf(`git clone %s /tmp/models; cp -r examples/mnist/. /tmp/models   # then commit and push
go run ./cmd/trefoil run --config %s
export KUBECONFIG=%s; alias kubectl=%s
Polyaxon is at %s, logs are in %s. Ctrl-C stops everything.
`, git.URL(), config, s.Kubeconfig(stack.UserAdmin), s.Binaries().Path("kubectl"), polyaxon.URL, s.Dir())
	return nil
}
