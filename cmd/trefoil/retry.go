package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

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
		Args:              oneModel,
		ValidArgsFunction: a.complete,
		RunE:              func(cmd *cobra.Command, words []string) error { return a.tryAgain(cmd.Context(), words[0]) },
	}
}

func (a *app) tryAgain(ctx context.Context, name string) error {
	tree, err := gitrepo.Worktree(a.flags.dir)
	if err != nil {
		return err
	}
	m, err := a.packaged(ctx, tree, name)
	if err != nil {
		return err
	}
	next := m.Package.Attempt + 1
	var e rewrite
	if e.file, e.before, e.now, err = schema.RaiseAttempt(tree, m); err != nil {
		return err
	}
	if state, err := git(ctx, a.flags.dir, "status", "--porcelain", "--", e.file); err != nil {
		return err
	} else if state != "" {
		return fmt.Errorf("%s has changes that are not committed: commit them or take them back first", e.file)
	}
	if err := a.commitAttempt(ctx, e, name, next); err != nil {
		return errors.Join(err, e.write(a.flags.dir, e.before))
	}
	fmt.Fprintf(a.out, "%s: package.attempt is %d, committed: push it, or open a pull request\n", e.file, next)
	return nil
}

// commitAttempt writes and commits an edit, after which the model has that attempt.
func (a *app) commitAttempt(ctx context.Context, e rewrite, name string, attempt int) error {
	if err := e.write(a.flags.dir, e.now); err != nil {
		return err
	}
	tree, err := gitrepo.Worktree(a.flags.dir)
	if err != nil {
		return err
	}
	m, err := a.packaged(ctx, tree, name)
	if err != nil || m.Package.Attempt != attempt {
		return fmt.Errorf("%s: package.attempt is said somewhere else too: raise it there by hand", e.file)
	}
	_, err = git(ctx, a.flags.dir, "commit", "--quiet", "--message", fmt.Sprintf("%s: build again (attempt %d)", name, attempt), "--", e.file)
	return err
}

// packaged is the model of that name, if something builds it.
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
	return c.Models[i], nil
}

// rewrite is a file of the folder before and after.
type rewrite struct {
	file        string // slash-separated
	before, now []byte
}

// write puts a text into the file that is there.
func (e rewrite) write(dir string, text []byte) error {
	return os.WriteFile(filepath.Join(dir, filepath.FromSlash(e.file)), text, 0o644)
}

// oneModel refuses all but one name.
func oneModel(cmd *cobra.Command, words []string) error {
	if len(words) != 1 {
		return fmt.Errorf("%s takes the name of one model, not %d", cmd.CommandPath(), len(words))
	}
	return nil
}
