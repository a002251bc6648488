package plan

import (
	"fmt"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Action is one thing to do to the world, as data. It prints itself as people read it in plans and in the log. The set is
// sealed: Rerun, Adopt, Fetch, Record, Build, Serve, Remove.
type Action interface {
	fmt.Stringer
	// Scope is the model, or the environment of it, that the action is about.
	Scope() schema.Scope
	action()
}

// Rerun submits a search, guarded by its claim: the claim is created, or taken over in the state ClaimSeen, before anything is
// sent.
type Rerun struct {
	Word        string // "search" for the first one of a model, else "rerun"
	Object      render.Object
	Claim       render.Object
	ClaimSeen   string // empty to create the claim
	Experiments int
	Before      time.Time // when the create has to be over; later nothing is sent
}

// Adopt notes in the claim of a search which run it became.
type Adopt struct {
	Claim     render.Object
	ClaimSeen string // empty to create the claim
	Run       string
}

// Fetch finds out the sha256 of the winner's artifact.
type Fetch struct{ Model, Experiment, Path string }

// Record commits what was found out about a model.
type Record struct {
	Word    string // record, reselect or repackage
	Model   string
	Subject string // what the commit says, without the model
	// Next is the whole new content of selected/NAME.cue. It keeps every release of the old one as it is.
	Next    schema.Selected
	Release int // the release that Subject speaks of
	Search  schema.Digest
	Date    time.Time // of the evidence
}

// Build creates the Workflow that packages a release.
type Build struct {
	Word    string // "build", or "rebuild" for a later attempt
	Object  render.Object
	Release int
}

// Serve applies the SeldonDeployment of a release: it creates it, or updates the one that was Seen.
type Serve struct {
	Word    string // serve, promote, rollback or update
	Object  render.Object
	Seen    string // empty to create
	Release int
}

// Remove deletes an object, or stops it where it is a Search.
type Remove struct {
	Object Observed
	Reason string
}

// String is "mnist: search: 10 experiments as mnist-v1-9f2c41d07a3b".
func (a Rerun) String() string {
	return fmt.Sprintf("%s: %s: %d experiments as %s", a.Scope(), a.Word, a.Experiments, a.Object.Ref.Name)
}

// String is "mnist: adopt: search mnist-v1-9f2c41d07a3b is run f1c2a0b3".
func (a Adopt) String() string {
	return fmt.Sprintf("%s: adopt: search %s is run %s", a.Scope(), a.Claim.Ref.Name, short(a.Run))
}

// String is "mnist: fetch: sha256 of model.dat of experiment f1c2a0b3".
func (a Fetch) String() string {
	return fmt.Sprintf("%s: fetch: sha256 of %s of experiment %s", a.Scope(), a.Path, short(a.Experiment))
}

// String is "mnist: record: release 1, experiment f1c2a0b3 (accuracy 0.991)".
func (a Record) String() string { return a.Model + ": " + a.Word + ": " + a.Subject }

// String is "mnist: build: release 1 as Workflow argo/mnist-pkg-v1-1f2e".
func (a Build) String() string {
	return fmt.Sprintf("%s: %s: release %d as %s", a.Scope(), a.Word, a.Release, a.Object.Ref)
}

// String is "mnist/staging: serve: release 1 as SeldonDeployment ml-staging/mnist".
func (a Serve) String() string {
	return fmt.Sprintf("%s: %s: release %d as %s", a.Scope(), a.Word, a.Release, a.Object.Ref)
}

// String is "mnist: stop: Search mnist-v1-9f2c (replaced by v1-77ab)".
func (a Remove) String() string {
	word := "delete"
	if a.Object.Ref.Kind == render.Search {
		word = "stop"
	}
	return fmt.Sprintf("%s: %s: %s (%s)", a.Scope(), word, a.Object.Ref, a.Reason)
}

// Scope is the model.
func (a Rerun) Scope() schema.Scope { return scope(a.Object) }

// Scope is the model.
func (a Adopt) Scope() schema.Scope { return scope(a.Claim) }

// Scope is the model.
func (a Fetch) Scope() schema.Scope { return schema.Scope{Model: a.Model} }

// Scope is the model.
func (a Record) Scope() schema.Scope { return schema.Scope{Model: a.Model} }

// Scope is the model.
func (a Build) Scope() schema.Scope { return scope(a.Object) }

// Scope is the environment.
func (a Serve) Scope() schema.Scope { return scope(a.Object) }

// Scope is the environment of a SeldonDeployment, else the model.
func (a Remove) Scope() schema.Scope {
	return schema.Scope{Model: a.Object.Model, Environment: a.Object.Environment}
}

func scope(o render.Object) schema.Scope {
	return schema.Scope{Model: o.Model, Environment: o.Environment}
}

func (Rerun) action()  {}
func (Adopt) action()  {}
func (Fetch) action()  {}
func (Record) action() {}
func (Build) action()  {}
func (Serve) action()  {}
func (Remove) action() {}

// short abbreviates a uuid as people read it.
func short(uid string) string { return uid[:min(len(uid), 8)] }
