package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// retry edits models.cue as a person would: the way to the engines is git's, for a retry too.
func (a *app) retry() *cobra.Command {
	return &cobra.Command{
		Use:   "retry MODEL",
		Short: "Commit that a failed build is tried again",
		Long: "Raises package.attempt of a model by one where it is written, or adds it, and commits that one file as git would: your name,\n" +
			"your hooks. Pushed or merged, it makes the daemon build the same release once more; nothing trains again. Asks no engine.\n\n" +
			"Exit code 0: committed. 1: nothing was changed.",
		Args:              one("the name of one model"),
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			if cmd.Flags().Changed("repo") {
				return fmt.Errorf("%s commits in the folder of -C and in no other repository: leave out --repo", cmd.CommandPath())
			}
			return a.tryAgain(cmd.Context(), words[0])
		},
	}
}

func (a *app) tryAgain(ctx context.Context, name string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	tree, err := gitrepo.Worktree(a.flags.dir)
	if err != nil {
		return err
	}
	m, err := a.packaged(ctx, tree, name)
	if err != nil {
		return err
	}
	r := rewrite{dir: a.flags.dir}
	if r.file, r.before, r.now, err = schema.RaiseAttempt(tree, m); err != nil {
		return err
	}
	if err := r.clean(ctx); err != nil {
		return err
	}
	next := m.Package.Attempt + 1
	if err := a.commitAttempt(ctx, r, name, next); err != nil {
		return errors.Join(err, r.undo())
	}
	told := map[string]any{"format_version": formatVersion, "model": name, "file": r.file, "attempt": next}
	if printed, err := a.json(told); printed || err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s: package.attempt is %d, committed: push it, or open a pull request\n", r.file, next)
	return err
}

// commitAttempt writes and commits a file, after which the model has that attempt.
func (a *app) commitAttempt(ctx context.Context, r rewrite, name string, attempt int) error {
	if err := r.replace(r.before, r.now); err != nil {
		return err
	}
	tree, err := gitrepo.Worktree(a.flags.dir)
	if err != nil {
		return err
	}
	c, err := a.load(ctx, tree)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(c.Models, func(m schema.Model) bool { return m.Name == name && m.Package != nil && m.Package.Attempt == attempt }) {
		return fmt.Errorf("%s: package.attempt is said somewhere else too: raise it there by hand", r.file)
	}
	return r.commit(ctx, fmt.Sprintf("%s: build again (attempt %d)", name, attempt))
}

// packaged is the model of that name, if there is something to build.
func (a *app) packaged(ctx context.Context, tree schema.Tree, name string) (schema.Model, error) {
	c, err := a.load(ctx, tree)
	if err != nil {
		return schema.Model{}, err
	}
	if found, frozen := c.Frozen(name, ""); frozen {
		return schema.Model{}, fmt.Errorf("%s: %s: that is to be mended first", found.Pos, found.Message)
	}
	if err := among([]string{name}, named(c, plan.Plan{})); err != nil {
		return schema.Model{}, err
	}
	i := slices.IndexFunc(c.Models, func(m schema.Model) bool { return m.Name == name })
	if i < 0 || c.Models[i].Package == nil {
		return schema.Model{}, fmt.Errorf("nothing builds %s: it has no package", name)
	}
	if r, asked := plan.Building(c.Models[i], c.Selected[name]); asked && r.Image != "" {
		const nothing = "release %d of %s has its image: there is no build to try again (git pull, if that of a later one failed)"
		return schema.Model{}, fmt.Errorf(nothing, r.Number, name)
	}
	return c.Models[i], nil
}
