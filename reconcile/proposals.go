package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Proposals are a branch for what is recorded where the one that is followed is for people alone: they merge it, and with it what
// becomes served.
type Proposals interface {
	// Proposed lists the remote once and returns the commit of the branch, empty where there is no such branch.
	Proposed(ctx context.Context) (plan.Revision, error)
	// FetchProposed reads the content of a commit that Proposed returned. Where the branch is no longer there the error is ErrStale.
	FetchProposed(ctx context.Context, revision plan.Revision) (schema.Tree, error)
	// Propose puts one commit onto the branch, which is at from, empty where it is to be made, and returns it. Its content is that of on,
	// a commit of the source that was fetched, with the edit's files. Where the branch is elsewhere the error is ErrStale and nothing was
	// pushed. Same arguments, same commit.
	Propose(ctx context.Context, from, on plan.Revision, edit Edit) (plan.Revision, error)
}

// proposed is what the branch of proposals adds to a snapshot.
type proposed struct {
	revision plan.Revision
	selected map[string]schema.Selected // of all models, with what is proposed; nil where there are no Proposals
	files    map[string][]byte          // of what is proposed, by path
}

// where is the tip of the branch of proposals.
func (l *Loop) where(ctx context.Context) (plan.Revision, error) {
	if l.Proposals == nil {
		return "", nil
	}
	revision, err := l.Proposals.Proposed(ctx)
	if err != nil {
		return "", fmt.Errorf("the branch of proposals: %w", err)
	}
	return revision, nil
}

// read reads what is proposed on top of a revision.
func (l *Loop) read(ctx context.Context, at plan.Revision, on snapshot) (proposed, error) {
	p := proposed{revision: at, files: map[string][]byte{}}
	if l.Proposals == nil {
		return proposed{}, nil
	}
	if p.selected, _ = plan.Overlay(on.catalog, nil); at == "" {
		return p, nil
	}
	tree, err := l.Proposals.FetchProposed(ctx, at)
	if errors.Is(err, ErrUntrusted) { // nothing of it counts, and the next commit upon it carries nothing of it on
		l.Log.Warn("what is proposed does not count", "error", err)
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("the branch of proposals at %s: %w", at.Short(), err)
	}
	catalog, err := l.Load(ctx, overlaid{on.tree, tree})
	if err != nil {
		return p, fmt.Errorf("the branch of proposals at %s: %w", at.Short(), err)
	}
	var added map[string]bool
	p.selected, added = plan.Overlay(on.catalog, catalog.Selected)
	for name := range added {
		path := folder + name + ".cue"
		if p.files[path], err = fs.ReadFile(tree, path); err != nil {
			return p, fmt.Errorf("the branch of proposals at %s: %w", at.Short(), err)
		}
	}
	l.Log.Info("proposals", "commit", at.Short(), "models", len(added))
	return p, nil
}

// served is what is merged, which is never nil: that would say that all of it is.
func served(selected map[string]schema.Selected) map[string]schema.Selected {
	if selected == nil {
		return map[string]schema.Selected{}
	}
	return selected
}

// folder holds what is recorded.
const folder = "selected/"

// overlaid is a tree with the records of another one.
type overlaid struct {
	schema.Tree
	records schema.Tree
}

// Open opens a file of either.
func (o overlaid) Open(name string) (fs.File, error) {
	if name+"/" == folder || strings.HasPrefix(name, folder) {
		return o.records.Open(name)
	}
	return o.Tree.Open(name)
}

// put commits to the branch that is followed, or proposes.
func (l *Loop) put(ctx context.Context, pass *Pass, edit Edit) (plan.Revision, error) {
	if l.Proposals == nil {
		return l.Source.Commit(ctx, pass.Revision, edit)
	}
	whole := edit
	whole.Files = maps.Clone(l.last.proposed.files) // the branch holds all that waits
	maps.Copy(whole.Files, edit.Files)
	return l.Proposals.Propose(ctx, l.last.proposed.revision, pass.Revision, whole)
}

// old is the file of a model as the next record finds it.
func (l *Loop) old(path string) ([]byte, error) {
	if content, waits := l.last.proposed.files[path]; waits {
		return content, nil
	}
	content, err := fs.ReadFile(l.last.tree, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}
