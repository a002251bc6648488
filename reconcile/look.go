package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// look reads the tip of the branch if it is not the one that is known, and judges it again while time was too short for all of it. Where the
// tip is not trusted the one that is known stays, if there is one.
func (l *Loop) look(ctx context.Context) error {
	tip, err := l.Source.Tip(ctx)
	if err != nil {
		return fmt.Errorf("the spec repository: %w", err)
	}
	tree := l.last.tree
	l.held = nil
	if tip != l.last.revision {
		fetched, err := l.Source.Fetch(ctx, tip)
		switch {
		case errors.Is(err, ErrUntrusted) && l.last.revision != "":
			tip, l.held = l.last.revision, err
		case err != nil:
			return fmt.Errorf("the spec repository at %s: %w", tip.Short(), err)
		default:
			tree = fetched
		}
	}
	branch, err := l.where(ctx)
	if err != nil {
		return err
	}
	next := l.last
	if tip != l.last.revision || l.last.catalog.Again {
		if next, err = l.judge(ctx, tip, tree); err != nil {
			return err
		}
	} else if l.last.proposed.known(branch) {
		return nil
	}
	next.proposed = l.read(ctx, branch, next)
	l.last = next
	return nil
}

// judge says what a revision says.
func (l *Loop) judge(ctx context.Context, tip plan.Revision, tree schema.Tree) (snapshot, error) {
	catalog, err := l.Load(ctx, tree)
	if err != nil && tip == l.last.revision && ctx.Err() == nil {
		return l.last, nil // what was judged of it goes on
	}
	if err != nil {
		return snapshot{}, fmt.Errorf("the spec repository at %s: %w", tip.Short(), err)
	}
	l.Log.Info("planning on", "commit", tip.Short(), "models", len(catalog.Models), "findings", len(catalog.Findings))
	return snapshot{revision: tip, tree: tree, catalog: catalog, desired: plan.Desire(catalog, l.Settings)}, nil
}
