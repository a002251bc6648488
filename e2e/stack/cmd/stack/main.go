//go:build e2e

// Stack starts the engines of the end-to-end tests to try things by hand, with
// an empty git repository, and runs until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

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

func run(ctx context.Context, keep bool) error {
	s, err := stack.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	git, err := stack.StartGit(ctx, s.Dir())
	if err != nil {
		return errors.Join(err, s.Stop(keep))
	}
	fmt.Printf(`export KUBECONFIG=%s   # of %s; the daemon's: %s
alias kubectl=%s
Workflows run in namespace %s, git is at %s, logs are in %s
Ctrl-C stops everything.
`, s.Kubeconfig(stack.UserAdmin), stack.UserAdmin, s.Kubeconfig(stack.UserDaemon), s.Binaries().Path("kubectl"),
		stack.NamespaceWorkflows, git.URL(), s.Dir())
	<-ctx.Done()
	return errors.Join(git.Close(), s.Stop(keep))
}
