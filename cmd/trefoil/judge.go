package main

import (
	"context"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// judge reads a repository for every verb and for the daemon alike: what the spec says, then what it renders to.
func judge(ctx context.Context, tree schema.Tree) (schema.Catalog, error) {
	c, err := schema.Load(ctx, tree)
	if err != nil {
		return schema.Catalog{}, err
	}
	return c.With(render.Check(c)), nil
}
