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
	// doubt is why nothing can be proposed now, though all else goes on: what is proposed already is not known, and would be lost. The next
	// pass reads it again.
	doubt error
	again bool // who is trusted may change
}

// known reports whether a branch was read already, and needs no other look.
func (p proposed) known(at plan.Revision) bool { return p.revision == at && p.doubt == nil && !p.again }

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

// read reads what is proposed on top of a revision. What can't be read there, whoever pushed it, stops nothing else.
func (l *Loop) read(ctx context.Context, at plan.Revision, on snapshot) proposed {
	if l.Proposals == nil {
		return proposed{}
	}
	p := proposed{revision: at, files: map[string][]byte{}}
	if p.selected, _ = plan.Overlay(on.catalog, nil); at == "" {
		return p
	}
	tree, catalog, err := l.proposedCatalog(ctx, at, on)
	if err != nil {
		err = fmt.Errorf("the branch of proposals at %s: %w", at.Short(), err)
		if l.last.proposed.known(at) || l.last.proposed.revision != at { // it is told once
			l.Log.Warn("what is proposed does not count", "error", err)
		}
		if p.again = errors.Is(err, ErrUntrusted); !p.again { // else the next commit upon it carries nothing of it on
			p.doubt = err
		}
		return p
	}
	all, added := plan.Overlay(on.catalog, catalog.Selected)
	for name := range added {
		path := folder + name + ".cue"
		if p.files[path], err = onto(on.tree, tree, path, name, all[name]); err != nil {
			p.doubt = fmt.Errorf("the branch of proposals at %s: %w", at.Short(), err)
			return p
		}
	}
	p.selected = all
	l.Log.Info("proposals", "commit", at.Short(), "models", len(added))
	return p
}

// onto is the file of a model with what is selected in it, upon what people wrote, so that nothing of that is lost by merging. Where they
// wrote what can't be read, it is the proposed one as it is.
func onto(followed, branch schema.Tree, path, model string, selected schema.Selected) ([]byte, error) {
	if text, err := fs.ReadFile(followed, path); err == nil || errors.Is(err, fs.ErrNotExist) {
		if text, err = schema.Amend(text, model, selected); err == nil {
			return text, nil
		}
	}
	return fs.ReadFile(branch, path)
}

// proposedCatalog is what is recorded in the branch, judged beside what is followed.
func (l *Loop) proposedCatalog(ctx context.Context, at plan.Revision, on snapshot) (schema.Tree, schema.Catalog, error) {
	tree, err := l.Proposals.FetchProposed(ctx, at)
	if err != nil {
		return nil, schema.Catalog{}, err
	}
	catalog, err := l.Load(ctx, overlaid{on.tree, tree})
	if err == nil && catalog.Again {
		err = errors.New("time was too short to judge all of it")
	}
	return tree, catalog, err
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
	if doubt := l.last.proposed.doubt; doubt != nil {
		return "", doubt
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
