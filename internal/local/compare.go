package local

import (
	"fmt"
	"io/fs"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/render"
)

// Compare tells how what is kept of an object, of another kind than Search, differs from what git asks for. Where the digest is that of
// git somebody edited the file; of a Workflow, which is made once, the rest is what the next one has.
func (e *Engine) Compare(object render.Object) compare.Result {
	r, found, err := e.store.get(object.Ref)
	switch {
	case err != nil:
		return compare.Result{Err: fmt.Errorf("diff %s: %w", object.Ref, err)}
	case !found:
		return compare.Result{Git: object.Body}
	}
	result := compare.Result{Live: r.Body, Git: object.Body, Fields: compare.Objects(r.Body, object.Body)}
	cause := compare.Changed
	switch {
	case object.Ref.Kind == render.Workflow:
		cause = compare.Later
	case r.Digest == object.Digest:
		cause = compare.Drift
	}
	for i := range result.Fields {
		result.Fields[i].Cause = cause
	}
	return result
}

// Operation is what a search was made of. The error wraps fs.ErrNotExist where there is none.
func (e *Engine) Operation(search render.Ref) (map[string]any, error) {
	r, found, err := e.store.get(search)
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", search, err)
	}
	return r.Body, nil
}
