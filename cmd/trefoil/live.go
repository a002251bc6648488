package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/internal/polyaxon"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// silence is how long an engine may say nothing to a person who waits.
const silence = 10 * time.Second

// look plans for a person who waits: once, without a log, and for as long as the engines say something. Where the repository can't be
// read there is a daemon beside the error.
func (a *app) look(cmd *cobra.Command, words []string, here localFlags) (*daemon, reconcile.Pass, error) {
	d, err := a.looker(cmd, here)
	if err != nil {
		return nil, reconcile.Pass{}, err
	}
	pass, err := d.loop.Plan(cmd.Context())
	if err != nil {
		return d, reconcile.Pass{}, err
	}
	return d, pass, known(words, pass.Catalog, pass.Plan)
}

// looker is a daemon that is only asked.
func (a *app) looker(cmd *cobra.Command, here localFlags) (*daemon, error) {
	silent := slog.New(slog.DiscardHandler)
	if here.local {
		return a.here(cmd, here, silent, nil) // it is never begun
	}
	c, err := a.config(cmd.Flags())
	if err != nil {
		return nil, err
	}
	source, err := a.live(cmd, c)
	if err != nil {
		return nil, err
	}
	searches, err := c.impatient()
	if err != nil {
		return nil, err
	}
	return a.connect(cmd.Context(), c, source, searches, silent, true)
}

// live is the configured repository, or the folder where -C is given. Whose objects are looked for is the configured one's either way.
func (a *app) live(cmd *cobra.Command, c config) (reconcile.Source, error) {
	switch {
	case !cmd.Flags().Changed("directory"):
		return c.source()
	case c.Repository.URL == "":
		return nil, fmt.Errorf("-C says what to compare, and not whose objects: %w", errNoRepository)
	}
	return folder(a.flags.dir), nil
}

// remoteOnly refuses -C where what matters is what was pushed.
func remoteOnly(cmd *cobra.Command) error {
	if cmd.Flags().Changed("directory") {
		return fmt.Errorf("-C: %s reads the configured repository (--repo), not a folder", cmd.CommandPath())
	}
	return nil
}

// folder is a work tree as a Source that takes no commits.
type folder string

func (f folder) Tip(context.Context) (plan.Revision, error) {
	if head := gitrepo.Head(string(f)); head != "" {
		return head, nil
	}
	return "folder", nil // without git, or a first commit
}

func (f folder) Fetch(context.Context, plan.Revision) (schema.Tree, error) {
	return gitrepo.Worktree(string(f))
}

func (folder) Commit(context.Context, plan.Revision, reconcile.Edit) (plan.Revision, error) {
	return "", errors.New("a folder takes no commits")
}

// errSilent says that a server was given up.
var errSilent = errors.New("no answer")

// impatient is the Polyaxon of a person who waits. A large project takes long to read; a server that is silent is given up.
type impatient struct {
	*polyaxon.Engine
	url   string
	most  time.Duration
	heard *time.Timer // ends an Observe
}

func (c config) impatient() (*impatient, error) {
	i := &impatient{url: c.Polyaxon.URL, most: silence}
	var err error
	i.Engine, err = c.searches(i, nil)
	return i, err
}

// RoundTrip sends a request of the Engine.
func (i *impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		i.heard.Reset(i.most)
	}
	return reply, err
}

// Observe is called once.
func (i *impatient) Observe(ctx context.Context) (plan.Live, error) {
	silent := fmt.Errorf("polyaxon: %w for %v; is the server at %s well?", errSilent, i.most, i.url)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	i.heard = time.AfterFunc(i.most, func() { cancel(silent) })
	defer i.heard.Stop()
	live, err := i.Engine.Observe(ctx)
	if errors.Is(context.Cause(ctx), silent) {
		err = silent
	}
	return live, err
}

// missed is what could not be observed, and why. A kind that no model asks for may be missing: who only trains needs no Argo.
func missed(pass reconcile.Pass) map[render.Kind]string {
	why := maps.Clone(pass.Live.Unknown)
	maps.DeleteFunc(why, func(k render.Kind, _ string) bool { return !asked(k, pass.Catalog.Models) })
	return why
}

// asked reports whether one of the models may have objects of a kind.
func asked(kind render.Kind, models []schema.Model) bool {
	return slices.ContainsFunc(models, func(m schema.Model) bool {
		switch kind {
		case render.Workflow:
			return m.Package != nil
		case render.SeldonDeployment:
			return len(m.Serve) > 0
		}
		return true
	})
}

// unseen has a line for each reason why something could not be observed, with the kinds that it is about.
func unseen(pass reconcile.Pass) []string { return reasons(missed(pass)) }

func reasons(why map[render.Kind]string) []string {
	kinds := map[string][]string{}
	for kind, reason := range why {
		kinds[reason] = append(kinds[reason], string(kind))
	}
	var lines []string
	for reason, k := range kinds {
		slices.Sort(k)
		lines = append(lines, strings.Join(k, ", ")+": "+reason)
	}
	slices.Sort(lines)
	return lines
}

// blind is the error of a command whose answer lacks what could not be observed; nil where all was.
func blind(pass reconcile.Pass) error { return without(unseen(pass)) }

// without is that error, of the reasons.
func without(reasons []string) error {
	if len(reasons) == 0 {
		return nil
	}
	return errors.New("not all could be seen\n  " + strings.Join(reasons, "\n  "))
}
