package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// specs is a spec repository as a verb without engines reads it.
type specs struct {
	config   config
	revision plan.Revision // empty for a folder that is in no git repository
	files    fs.FS
	prefix   string // of the files in their repository; empty for its root
	catalog  schema.Catalog
}

// read loads the folder of -C, or the tip of --repo where only that flag is given.
func (a *app) read(cmd *cobra.Command, words []string) (specs, error) {
	c, err := a.config(cmd.Flags())
	if err != nil {
		return specs{}, err
	}
	s := specs{config: c}
	remote := cmd.Flags().Changed("repo") && !cmd.Flags().Changed("directory")
	tree, err := s.tree(cmd.Context(), a.flags.dir, remote)
	if err != nil {
		return specs{}, err
	}
	s.files = tree
	if s.catalog, err = a.load(cmd.Context(), tree); err != nil {
		return specs{}, err
	}
	return s, known(words, s.catalog, plan.Plan{})
}

func (s *specs) tree(ctx context.Context, dir string, remote bool) (schema.Tree, error) {
	if !remote {
		s.revision, s.prefix = gitrepo.Head(dir), gitrepo.Prefix(dir)
		return gitrepo.Worktree(dir)
	}
	repo, err := s.config.source()
	if err != nil {
		return nil, err
	}
	if s.prefix = s.config.Repository.Path; s.prefix == "." {
		s.prefix = ""
	}
	var tree schema.Tree
	err = reconcile.Anew(ctx, func() error {
		if s.revision, err = repo.Tip(ctx); err != nil {
			return err
		}
		tree, err = repo.Fetch(ctx, s.revision)
		return err
	})
	return tree, err
}

var errNoRepository = errors.New("no spec repository: give its URL with --repo, TREFOIL_REPO or repository.url in trefoil.yaml")

// source is the spec repository for who only reads.
func (c config) source() (*gitrepo.Repo, error) { return c.open(nil) }

// open opens the spec repository with its credentials, which are read from files only, anew for each time that the server is asked. What
// is committed is signed, unless sign is nil.
func (c config) open(sign func(commit []byte) ([]byte, error)) (*gitrepo.Repo, error) {
	r := c.Repository
	if r.URL == "" {
		return nil, errNoRepository
	}
	trust, err := c.trust()
	if err != nil {
		return nil, err
	}
	return gitrepo.Open(gitrepo.Options{
		URL: r.URL, Branch: r.Branch, CommitTo: r.CommitTo, Path: r.Path, AuthorName: r.Author.Name, AuthorEmail: r.Author.Email,
		CommitterName: r.Committer.Name, CommitterEmail: r.Committer.Email, Credentials: r.credentials,
		Sign: sign, Trust: trust,
	})
}
