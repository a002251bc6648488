package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/internal/local"
	"github.com/trefoil-gitops/trefoil/internal/local/python"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// localFolder is where a working repository keeps what the engines of this machine make. It is no part of the repository.
const localFolder = ".trefoil"

// localFlags are those of verbs that also know this machine as an engine.
type localFlags struct {
	local bool
	port  int
}

func (f *localFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.local, "local", false, "this machine instead of the engines, and the repository at -C as it is checked out")
}

// addRun adds what only matters to who works.
func (f *localFlags) addRun(cmd *cobra.Command) {
	f.add(cmd)
	cmd.Flags().IntVar(&f.port, "port", defaultPort, "with --local: the `port` of loopback that answers predictions, or another one where it is taken")
}

const defaultPort = 8484

// localSeat is that of a daemon whose objects are in a folder of this machine.
type localSeat struct {
	engine *local.Engine
	dir    string
	port   int
	holder string
	log    *slog.Logger
	watch  func(ctx context.Context)
	// began is told where predictions are answered.
	began func(address string)
}

// here is the daemon of a working repository, with this machine as its engine. began is told where predictions are answered.
func (a *app) here(cmd *cobra.Command, f localFlags, log *slog.Logger, began func(address string)) (*daemon, error) {
	c, err := a.config(cmd.Flags())
	if err != nil {
		return nil, err
	}
	repository, err := gitrepo.OpenCheckout(cmd.Context(), a.flags.dir, c.Repository.Author.Name, c.Repository.Author.Email)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(repository.Dir(), localFolder)
	c.Repository.URL, c.Repository.Branch, c.Repository.Path = "file://"+repository.Dir(), "HEAD", ""
	c.Webhook = webhookConfig{} // commits in a folder are seen
	cache, err := a.cache()
	if err != nil {
		return nil, err
	}
	interpreter, _ := a.env(python.Variable)
	d := &daemon{config: c}
	poke := func() { d.loop.Poke() }
	engine := local.New(local.Options{
		Dir: dir, Cache: cache, Repository: c.settings().Repository, Interpreter: interpreter, Base: c.Local.Base, Push: c.Local.Push,
		Source: func(ctx context.Context, commit string) (fs.FS, error) {
			return repository.At(ctx, plan.Revision(commit))
		},
		Poke: poke, Log: log,
	})
	d.loop = a.loop(c, repository, engine, engine, log)
	d.seat = localSeat{
		engine: engine, dir: dir, port: f.port, holder: d.loop.Holder, log: log,
		watch: func(ctx context.Context) { watch(ctx, repository, poke, log) },
		began: func(address string) {
			d.checks(through(address, longestCheck))
			began(address)
		},
	}
	return d, nil
}

// answers logs where predictions are answered.
func answers(log *slog.Logger) func(address string) {
	return func(address string) {
		log.Info("answers predictions", "url", address+"/seldon/NAMESPACE/NAME/api/v1.0/predictions")
	}
}

// watchable is a repository that tells when its branch moves, if it is on this machine.
type watchable interface {
	Watch(ctx context.Context, poke func()) error
}

// watch notices commits at once. Where that is not possible, the poll does.
func watch(ctx context.Context, repository watchable, poke func(), log *slog.Logger) {
	if err := repository.Watch(ctx, poke); err != nil && ctx.Err() == nil {
		log.Warn("commits are noticed by the poll only", "error", err)
	}
}

// cache is the folder for what can be had again.
func (a *app) cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for environments: %w", err)
	}
	return filepath.Join(dir, "trefoil"), nil
}

func (s localSeat) hold(ctx context.Context, _ func(), act func(leading context.Context)) error {
	lock, err := local.TakeLock(s.dir)
	if errors.Is(err, local.ErrLocked) {
		who, _, _ := local.ReadLock(s.dir) // that it is locked is what matters
		return fmt.Errorf("%w: %s, which answers at %s", err, process(who.Name), who.Address)
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	leading, lose := context.WithCancelCause(context.WithoutCancel(ctx)) // the lock is held until this process ends
	defer lose(nil)
	working, stop := context.WithCancel(leading)
	defer stop()
	go s.guard(working, lock, lose)
	address, err := s.engine.Start(working, s.port)
	if err != nil {
		return err
	}
	if err := lock.Say(local.Holder{Name: s.holder, Address: address}); err != nil {
		return err
	}
	s.began(address)
	go s.watch(working)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.engine.Run(working)
	}()
	act(leading)
	stop()
	<-done
	return context.Cause(leading)
}

// guard ends the work when the folder is no longer the one that is locked.
func (s localSeat) guard(ctx context.Context, lock *local.Lock, lose context.CancelCauseFunc) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if lock.Lost() {
				lose(fmt.Errorf("%s was removed while trefoil worked in it: start it again", s.dir))
			}
		}
	}
}

// process is "process 1234 on HOST", of the name of a holder.
func process(holder string) string {
	name, rest, _ := strings.Cut(holder, "/")
	pid, _, _ := strings.Cut(rest, "/")
	return "process " + pid + " on " + name
}

func (s localSeat) leader(context.Context) (kube.Term, error) {
	who, held, err := local.ReadLock(s.dir)
	if err != nil || !held { // when it was seen last is in the report
		return kube.Term{}, err
	}
	return kube.Term{Holder: who.Name, Renewed: time.Now(), Length: time.Minute}, nil
}

func (s localSeat) report() (report, error) { return local.NewReport(s.dir), nil }

func (localSeat) settled() bool { return true }

func (s localSeat) compare(_ context.Context, objects []render.Object) []compare.Result {
	results := make([]compare.Result, len(objects))
	for i, o := range objects {
		results[i] = s.engine.Compare(o)
	}
	return results
}

func (s localSeat) operation(_ context.Context, search plan.Observed) (map[string]any, error) {
	return s.engine.Operation(search.Ref)
}
