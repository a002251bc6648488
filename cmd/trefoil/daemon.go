package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/internal/polyaxon"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// runFlags are those of `run` alone.
type runFlags struct {
	once bool
	plan string // a file
	here localFlags
}

func (a *app) daemon() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Make the engines follow the repository, and commit what is found out",
		Long: "Looks at the repository at every poll, and soon after something changed in the cluster; plans, carries out, commits.\n" +
			"SIGTERM and Ctrl-C let changes that are under way finish; a second one ends at once. It may be killed at any time.\n\n" +
			"Of several daemons for one repository one acts, which holds a Lease in the cluster; the others wait for it.\n\n" +
			"With --once it makes one pass, also beside a daemon that leads, and a signal ends that. With --plan FILE too it carries out what\n" +
			"that plan says as far as that is still what is to be done, and nothing once the branch has moved. Exit code 0: the pass was made.\n" +
			"1: nothing could be done, an action failed or was refused, or an engine could not be seen.\n\n" +
			"With --local it follows the branch that is checked out at -C, and this machine is the engine: experiments are processes, images\n" +
			"OCI layouts, and predictions are answered on loopback. What they make is in .trefoil. Its commits land on the branch. As nothing\n" +
			"outlives it, --once then goes on until nothing moves any more.",
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runDaemon(cmd, f) },
	}
	cmd.Flags().BoolVar(&f.once, "once", false, "make one pass and exit")
	cmd.Flags().StringVar(&f.plan, "plan", "", "with --once: carry out the plan that `trefoil plan --live -o FILE` saved, and nothing else")
	f.here.addRun(cmd)
	return cmd
}

func (a *app) runDaemon(cmd *cobra.Command, f runFlags) error {
	// The other commands leave nothing half done: there the first signal ends the process.
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	// Also where a variable in the place of the name is empty: that is not to do all there is.
	saved := cmd.Flags().Changed("plan")
	if saved && (!f.once || f.here.local) {
		return errors.New("--plan goes with --once, and not with --local: a saved plan is one pass")
	}
	if a.lasting != nil {
		a.evaluate, a.kept = a.lasting, kept{}
	}
	a.collect(100)
	d, err := a.follow(ctx, cmd, f.here)
	if err == nil && saved {
		d.loop.Saved, err = savedPlan(f.plan, d.config.owner())
	}
	switch {
	case err != nil:
		return err
	case f.once && f.here.local:
		return a.settle(ctx, d)
	case f.once:
		return a.once(ctx, d)
	}
	d.loop.Log.Info("following", "repository", d.config.Repository.URL, "branch", d.config.Repository.Branch, "poll", d.config.Poll)
	if err := d.lead(ctx); err != nil {
		return err
	}
	d.loop.Log.Info("stopped")
	return nil
}

// once makes a pass beside the daemon that leads, if one does: it can't take the lease from it, and needs none to be safe.
func (a *app) once(ctx context.Context, d *daemon) error {
	d.warn(ctx)
	pass, err := d.loop.Once(ctx)
	if err != nil {
		return err
	}
	tried := pass.Plan
	tried.Holds = append(slices.Clone(tried.Holds), pass.Failed...)
	if err := a.printPlan(tried, 0, false); err != nil {
		return err
	}
	switch {
	case len(pass.Gone) > 0:
		return fmt.Errorf("not carried out, since it is not what is to be done any more (plan again):\n  %s", strings.Join(pass.Gone, "\n  "))
	case len(pass.Failed) > 0:
		return exit{code: 1}
	case len(pass.Stale) > 0:
		return fmt.Errorf("%s not carried out, something had changed since the plan was made: run again", count(len(pass.Stale), "action"))
	}
	return blind(pass)
}

// daemon is a loop with its engines.
type daemon struct {
	config config
	loop   *reconcile.Loop
	seat   seat
	// told is called with each pass; may be nil.
	told func(pass reconcile.Pass, err error)
	// watch pokes the loop when the branch moves, until ctx ends; nil where the seat does that.
	watch func(ctx context.Context)
	// bell is by which daemons of the repository tell each other to look.
	bell func(heard func()) (*kube.Bell, error)
}

// follow is the daemon of `trefoil run`.
func (a *app) follow(ctx context.Context, cmd *cobra.Command, here localFlags) (*daemon, error) {
	if here.local {
		log := a.log()
		return a.here(cmd, here, log, answers(log))
	}
	if err := remoteOnly(cmd); err != nil {
		return nil, err
	}
	c, err := a.config(cmd.Flags())
	if err != nil {
		return nil, err
	}
	log := a.log()
	sign, err := c.sign(log)
	if err != nil {
		return nil, err
	}
	source, err := c.open(sign)
	if err != nil {
		return nil, err
	}
	searches, err := c.searches(nil, log)
	if err != nil {
		return nil, err
	}
	d, err := a.connect(ctx, c, source, searches, log, false)
	if err != nil {
		return nil, err
	}
	d.watch = func(ctx context.Context) { watch(ctx, source, d.loop.Poke, log) }
	return d, d.ask()
}

// wallClock is the time as other daemons see it. Go's own reading beside it stands still while the machine is suspended.
func wallClock() time.Time { return time.Now().Round(0) }

// searches is the engine for Searches.
type searches interface {
	reconcile.Engine
	reconcile.Evidence
}

// remembering is one that also tells what a search was made of.
type remembering interface {
	searches
	Operation(ctx context.Context, uid string) (map[string]any, error)
}

// connect builds the loop. It dials nothing but the cluster's watches, which run until ctx ends. Nobody waits for their end: client-go
// may pause for half a minute before it notices. whole is for who compares, and does not stay.
func (a *app) connect(
	ctx context.Context, c config, source reconcile.Source, searches remembering, log *slog.Logger, whole bool,
) (*daemon, error) {
	klog.SetSlogLogger(log.With("from", "client-go"))
	d := &daemon{config: c}
	cluster, err := c.cluster(func() { d.loop.Poke() }, log, whole)
	if err != nil {
		return nil, err
	}
	d.loop = a.loop(c, source, searches, cluster, log)
	d.bell = cluster.Bell
	d.seat = clusterSeat{cluster, searches, c, d.loop.Holder, log}
	go cluster.Run(ctx)
	return d, nil
}

func (a *app) loop(c config, source reconcile.Source, searches searches, cluster reconcile.Engine, log *slog.Logger) *reconcile.Loop {
	phrase, _ := c.Repository.phrase() // was checked, and so was the branch
	proposals := c.proposals(source)
	return reconcile.New(reconcile.Options{
		Source: source, Searches: searches, Cluster: cluster, Load: a.load, Settings: c.settings(), Limits: c.limits(),
		Holder: holder(), Poll: time.Duration(c.Poll), Log: log, Now: wallClock, Phrase: phrase,
		Proposals: proposals,
	})
}

// proposals is the branch for what is recorded; nil where that is the one that is followed.
func (c config) proposals(source reconcile.Source) reconcile.Proposals {
	repo, remote := source.(*gitrepo.Repo) // a work tree has no other branch
	if !remote || c.Repository.CommitTo == "" {
		return nil
	}
	return repo.Proposals()
}

func (c config) cluster(poke func(), log *slog.Logger, whole bool) (*kube.Engine, error) {
	config, err := kube.Config(c.Kubernetes.Kubeconfig, c.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	return kube.New(kube.Options{
		Cluster: config, Owner: c.owner(), Namespace: c.Workflows.Namespace, Poke: poke, Log: log, Whole: whole,
	})
}

func (c config) searches(transport http.RoundTripper, log *slog.Logger) (*polyaxon.Engine, error) {
	if c.Polyaxon.URL == "" {
		return nil, errors.New("no Polyaxon: give its URL with --polyaxon-url, TREFOIL_POLYAXON_URL or polyaxon.url in trefoil.yaml")
	}
	token, err := secret("polyaxon.tokenFile", c.Polyaxon.TokenFile)
	if err != nil {
		return nil, err
	}
	return c.polyaxon(polyaxon.Token(token), transport, log)
}

func (c config) polyaxon(token polyaxon.Token, transport http.RoundTripper, log *slog.Logger) (*polyaxon.Engine, error) {
	return polyaxon.New(polyaxon.Options{
		BaseURL: c.Polyaxon.URL, Owner: c.Polyaxon.Owner, Project: c.Polyaxon.Project, Token: token,
		RepositoryOwner: c.owner(), Transport: transport, Log: log,
	})
}

// log writes lines for people to the error stream, or JSON where that is asked for.
func (a *app) log() *slog.Logger {
	if a.flags.output == "json" {
		return slog.New(slog.NewJSONHandler(a.err, nil))
	}
	return slog.New(slog.NewTextHandler(a.err, nil))
}

// holder says who this process is, for people who read a claim. No other process has the same name, in another container neither.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	const enough = 8
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:enough])
}
