package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// ErrStale says that something is not what it was when the plan was made. Nothing was changed; the next pass decides anew.
var ErrStale = errors.New("changed since it was planned")

// ErrUntrusted says that nobody whose word counts vouches for a commit. What it says is not looked at.
var ErrUntrusted = errors.New("not trusted")

// ErrNotOurs says that an object of the wanted name exists without our labels. It is never touched.
var ErrNotOurs = errors.New("exists and is somebody else's")

// ErrRefused says that the engine made nothing of a create, for certain.
var ErrRefused = errors.New("nothing was created")

// ErrDeclined says that the server of the repository took a commit not, for certain, and said why: a rule of its own, for instance.
var ErrDeclined = errors.New("the server declined it")

// BlockedError says that one file of an edit can't be written, such as one that a person has edited and not committed. Nothing was
// changed; without that file the edit may go through.
type BlockedError struct {
	Path string // as in Edit.Files
	Err  error
}

// Error is that of Err.
func (e *BlockedError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *BlockedError) Unwrap() error { return e.Err }

// Source is the spec repository at one branch.
type Source interface {
	// Tip lists the remote once and returns the commit of the branch. A branch that does not exist is an error.
	Tip(ctx context.Context) (plan.Revision, error)
	// Fetch reads the content of a commit that Tip returned. Where the branch is no longer there the error is ErrStale, and
	// ErrUntrusted where it has to be signed and is not, by somebody who may.
	Fetch(ctx context.Context, revision plan.Revision) (schema.Tree, error)
	// Commit puts one commit with the edit on top of base and returns it. Where the branch is no longer at base the error is
	// ErrStale and nothing was pushed. Same base, same edit: same commit, so that a push whose answer was lost is recognised.
	// A BlockedError names a file without which another Commit may go through. ErrDeclined says that the server has answered, and
	// taken nothing.
	Commit(ctx context.Context, base plan.Revision, edit Edit) (plan.Revision, error)
}

// Edit is the content of one commit.
type Edit struct {
	// Message is subject, blank line, body and trailers.
	Message string
	// Files are whole new contents by path; nothing else changes.
	Files map[string][]byte
	// Date is that of the evidence; the commit gets the later of it and the parent's.
	Date time.Time
}

// Engine holds objects. Its methods are safe for concurrent use, each call ends with its context.
type Engine interface {
	// Observe returns all objects of ours that the engine holds. What could not be read is in Unknown, not an error;
	// an error means that nothing is known.
	Observe(ctx context.Context) (plan.Live, error)
	// Apply creates the object when seen is empty, else updates the object that was seen in this state. A Search
	// or a Workflow is never updated: that is an error.
	// Errors: ErrStale where it exists already, is gone or differs from seen, ErrNotOurs where it exists without our labels,
	// ErrRefused where a Search was not created and the engine said so: without it, it may have been.
	// Creating what exists with the same digest, and says the same if it is a Claim, is no error.
	Apply(ctx context.Context, object render.Object, seen string) error
	// Remove deletes the object, or stops it where it is a Search. One that is gone already is no error, nor is a
	// Search that has ended.
	// Errors: ErrStale where uid or seen differ.
	Remove(ctx context.Context, ref render.Ref, uid, seen string) error
}

// Evidence finds out what is too costly to look at in each Observe and keeps it where the next Observe sees it.
type Evidence interface {
	// Fetch streams the file at path below the outputs folder of the experiment and keeps its sha256 with the experiment.
	// The error wraps fs.ErrNotExist where there is no such file.
	Fetch(ctx context.Context, experiment, path string) error
}
