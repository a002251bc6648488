package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

func (a *app) demo() *cobra.Command {
	d := &demo{app: a}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole loop on this machine: train, select, package, serve, ask",
		Long: "Makes a repository with a model that reads handwritten digits, and lets Trefoil follow it with this machine as its engine: ten\n" +
			"experiments are run, the best one is selected, packaged and served, and asked which digit it sees. Needs Python 3.8 or later, and\n" +
			"the network for two Python packages. What was done before is not done again.\n\n" +
			"Exit code 0: the model answered. 1: something on the way there failed.",
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			context.AfterFunc(ctx, stop) // a second signal ends the process at once
			return d.run(ctx, cmd)
		},
	}
	cmd.Flags().StringVar(&d.dir, "dir", "trefoil-demo", "`folder` of the repository")
	cmd.Flags().BoolVar(&d.keep, "keep", false, "go on serving, and following the repository, until Ctrl-C")
	cmd.Flags().IntVar(&d.here.port, "port", defaultPort, "`port` of loopback that answers predictions, or another one where it is taken")
	return cmd
}

// demo is one run of `trefoil demo`.
type demo struct {
	*app
	dir   string
	keep  bool
	here  localFlags
	board *board

	address string // where predictions are answered
}

// run goes through the acts: the repository, the daemon, the question, and what to try next.
func (d *demo) run(ctx context.Context, cmd *cobra.Command) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	d.board = newBoard(d.out)
	d.flags.dir, d.here.local = d.dir, true
	daemon, err := d.app.here(cmd, d.here, slog.New(&teller{d.board}), func(address string) { d.address = address })
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	last := make(chan reconcile.Pass, 1)
	daemon.told = func(pass reconcile.Pass, err error) {
		if err != nil {
			return // it is told, and tried again
		}
		d.board.show(pass)
		if settled(pass) {
			select {
			case last <- pass:
			default: // it has been told once
			}
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.lead(following) }()
	select {
	case err := <-ended:
		d.board.close()
		if err == nil {
			err = errors.New("stopped; run it again, and it goes on where it was")
		}
		return err
	case pass := <-last:
		err = d.finish(ctx, pass)
	}
	if err == nil && d.keep {
		fmt.Fprintf(d.out, "\nIt goes on serving, and following %s. Ctrl-C ends it.\n", d.dir)
		<-ctx.Done()
	}
	stop()
	return errors.Join(err, <-ended)
}

// finish asks the model, and says what happened.
func (d *demo) finish(ctx context.Context, pass reconcile.Pass) error {
	d.board.close()
	if len(pass.Failed) > 0 || failed(pass.Live) || !served(pass.Live) {
		fmt.Fprintln(d.out, "\nIt goes no further:")
		for _, h := range append(pass.Plan.Holds, pass.Failed...) {
			fmt.Fprintln(d.out, " ", h)
		}
		return exit{code: 1}
	}
	if err := d.ask(ctx); err != nil {
		return err
	}
	if err := d.history(ctx); err != nil {
		return err
	}
	fmt.Fprint(d.out, d.next())
	return nil
}

// history shows what git holds by now.
func (d *demo) history(ctx context.Context) error {
	log, err := git(ctx, d.dir, "log", "--reverse", "--format=%h  %<(12,trunc)%an  %s")
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nWhat happened is in git (git -C %s log):\n\n%s", quoted(d.dir), log)
	return nil
}

// next is what to try, each a line to paste.
func (d *demo) next() string {
	dir, program := quoted(d.dir), quoted(d.program())
	settle := program + " run --local --once -C " + dir
	follow, kill := " && "+settle, program+" run --local -C "+dir+" & sleep 2; kill -9 $!; "+settle
	if d.keep {
		follow, kill = "", fmt.Sprintf("kill -9 %d; %s", os.Getpid(), settle)
	}
	change := func(from, to, message string) string {
		return fmt.Sprintf("(cd %s && sed -i.bak 's/%s/%s/' models.cue && rm models.cue.bak && git commit -qam '%s')%s", dir, from, to, message, follow)
	}
	return fmt.Sprintf(`
Try next:

  promote  %s
  tighten  %s
  kill it  %s
`, change("release: 2", "release: 1", "production serves release 1"), change(">=0.9}", ">=0.93}", "a stricter gate"), kill)
}

// program is this binary as it was called.
func (d *demo) program() string {
	path, err := filepath.Abs(os.Args[0])
	if err != nil || filepath.Base(os.Args[0]) == os.Args[0] {
		return os.Args[0] // found by PATH
	}
	return path
}
