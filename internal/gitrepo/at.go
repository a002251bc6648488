package gitrepo

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Dir is the folder of the specs, absolute.
func (c *Checkout) Dir() string { return filepath.Join(c.top, filepath.FromSlash(c.options.Path)) }

// At reads the content of any commit that the repository has, such as that of an old release.
func (c *Checkout) At(ctx context.Context, revision plan.Revision) (schema.Tree, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	_, objects, err := headOf(c.top)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.top, err)
	}
	commit, err := object.GetCommit(objects, plumbing.NewHash(string(revision)))
	if err != nil {
		return nil, fmt.Errorf("commit %.7s: %w", revision, err)
	}
	return newCommitTree(objects, commit, c.limits.file).sub(cmp.Or(c.options.Path, "."))
}
