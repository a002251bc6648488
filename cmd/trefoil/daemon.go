package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/internal/polyaxon"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

func (a *app) daemon() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Make the engines follow the repository, and commit what is found out",
		Long: "Looks at the repository at every poll, and soon after something changed in the cluster; plans, carries out, commits.\n" +
			"SIGTERM and Ctrl-C let the pass that is under way finish; a second one ends at once. It may be killed at any time.\n\n" +
			"With --once it makes one pass. Exit code 0: the pass was made. 1: nothing could be done, or an action failed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.connect(cmd)
			if err != nil {
				return err
			}
			defer d.close()
			if once {
				return a.once(cmd.Context(), d)
			}
			d.loop.Log.Info("following", "repository", d.config.Repository.URL, "branch", d.config.Repository.Branch, "poll", d.config.Poll)
			d.loop.Run(cmd.Context())
			d.loop.Log.Info("stopped")
			return nil
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "make one pass and exit")
	return cmd
}

func (a *app) once(ctx context.Context, d *daemon) error {
	pass, err := d.loop.Once(ctx)
	if err != nil {
		return err
	}
	if err := a.printPlan(pass.Plan, 0, false); err != nil {
		return err
	}
	if len(pass.Failed) > 0 {
		return exit{code: 1}
	}
	return nil
}

// daemon is a loop with its engines.
type daemon struct {
	config  config
	loop    *reconcile.Loop
	cluster *kube.Engine
	close   func() // ends the watches and waits for them
}

// connect builds the loop. It dials nothing but the cluster's watches, which run until close.
func (a *app) connect(cmd *cobra.Command) (*daemon, error) {
	c, err := a.config(cmd.Flags())
	if err != nil {
		return nil, err
	}
	log := a.log()
	klog.SetSlogLogger(log.With("from", "client-go"))
	source, err := c.source()
	if err != nil {
		return nil, err
	}
	searches, err := c.searches(log)
	if err != nil {
		return nil, err
	}
	d := &daemon{config: c}
	poke := func() { d.loop.Poke() }
	if d.cluster, err = c.cluster(poke, log); err != nil {
		return nil, err
	}
	d.loop = reconcile.New(reconcile.Options{
		Source: source, Searches: searches, Cluster: d.cluster, Settings: c.settings(), Limits: c.limits(),
		Holder: holder(), Poll: time.Duration(c.Poll), Log: log, Now: time.Now,
	})
	d.watch(cmd.Context())
	return d, nil
}

// watch starts the watches of the cluster. They outlive the command's context, so that a pass that is drained can still observe.
func (d *daemon) watch(ctx context.Context) {
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.cluster.Run(watching)
	}()
	d.close = func() {
		stop()
		<-ended
	}
}

func (c config) cluster(poke func(), log *slog.Logger) (*kube.Engine, error) {
	config, err := kube.Config(c.Kubernetes.Kubeconfig, c.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	return kube.New(kube.Options{Cluster: config, Owner: c.owner(), Poke: poke, Log: log})
}

func (c config) searches(log *slog.Logger) (*polyaxon.Engine, error) {
	if c.Polyaxon.URL == "" {
		return nil, errors.New("no Polyaxon: give its URL with --polyaxon-url, TREFOIL_POLYAXON_URL or polyaxon.url in trefoil.yaml")
	}
	token, err := secret(c.Polyaxon.TokenFile)
	if err != nil {
		return nil, err
	}
	return polyaxon.New(polyaxon.Options{
		BaseURL: c.Polyaxon.URL, Owner: c.Polyaxon.Owner, Project: c.Polyaxon.Project, Token: polyaxon.Token(token),
		RepositoryOwner: c.owner(), Log: log,
	})
}

// log writes lines for people to the error stream, or JSON where that is asked for.
func (a *app) log() *slog.Logger {
	if a.flags.output == "json" {
		return slog.New(slog.NewJSONHandler(a.err, nil))
	}
	return slog.New(slog.NewTextHandler(a.err, nil))
}

// quiet drops what a command that prints its own result would log.
func (d *daemon) quiet() { d.loop.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) }

// holder says who this process is, for people who read a claim.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
