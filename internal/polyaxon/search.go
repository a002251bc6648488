package polyaxon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// creation is the body of the request that creates a run.
type creation struct {
	Content  string            `json:"content"` // the operation, JSON as text
	Name     string            `json:"name"`
	MetaInfo map[string]string `json:"meta_info"`
}

// Apply creates a search unless there is one of its model and digest. A create is not idempotent for the server, which goes
// on with it after the client has given up: so Apply looks before each request that it sends, and sends another one only
// where the one before had no effect for certain. Where that is not known it returns an error; call it again later, it looks
// first. The deadline of ctx is the time that the create may take; after it, by the wall clock too, nothing is sent.
func (e *Engine) Apply(ctx context.Context, object render.Object, seen string) error {
	if object.Ref.Kind != render.Search {
		return fmt.Errorf("polyaxon: %s is not a search", object.Ref)
	}
	if seen != "" {
		return fmt.Errorf("%s is created once and never updated: %w", object.Ref, reconcile.ErrStale)
	}
	body, err := e.creation(object)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		found, err := e.find(ctx, object)
		switch {
		case err != nil: // what was sent before had no effect
			return nothing(object.Ref, err)
		case found:
			return nil
		}
		if e.late(ctx) {
			return fmt.Errorf("%s is not created, the time for that is over: %w", object.Ref, reconcile.ErrStale)
		}
		err = e.create(ctx, object.Ref, body)
		if err == nil || !untaken(err) || try == tries(http.MethodPost) {
			return err
		}
		e.client.log.DebugContext(ctx, "polyaxon: create again", "search", object.Ref.Name, "try", try, "err", err)
		if e.client.wait(ctx, try) != nil {
			return err
		}
	}
}

// late reports whether the deadline is over by the wall clock, as the daemon sees it that may take the claim over. The context
// goes by a clock that stands still while the machine is suspended.
func (e *Engine) late(ctx context.Context) bool {
	deadline, set := ctx.Deadline()
	return set && !e.now().Before(deadline.Round(0)) // without the reading of that other clock
}

func (e *Engine) creation(object render.Object) (creation, error) {
	operation, err := json.Marshal(object.Body)
	if err != nil {
		return creation{}, fmt.Errorf("polyaxon: %s: %w", object.Ref, err)
	}
	return creation{string(operation), object.Ref.Name, map[string]string{
		metaRepository: e.repository, metaModel: object.Model, metaDigest: string(object.Digest),
	}}, nil
}

// find reports whether the server has the search. In a project that does not exist yet there is none; it is made then.
func (e *Engine) find(ctx context.Context, object render.Object) (bool, error) {
	if !object.Digest.Valid() {
		return false, fmt.Errorf("polyaxon: %s: digest %q can't be looked up", object.Ref, object.Digest)
	}
	query := fmt.Sprintf("kind:matrix,meta_info.%s:%s,meta_info.%s:%s", metaRepository, e.repository, metaDigest, object.Digest)
	runs, _, err := e.list(ctx, query)
	if missing(err) {
		if err := e.makeProject(ctx); err != nil {
			return false, err
		}
		// It may have been there all the time, and the 404 a proxy's.
		runs, _, err = e.list(ctx, query)
	}
	// Two models may ask for the same search; each has its own.
	return slices.ContainsFunc(runs, func(r run) bool {
		return e.ours(r) && r.digest() == object.Digest && r.MetaInfo.text(metaModel) == object.Model
	}), err
}

// ours reports whether the run is a search of this repository, also where a server or proxy drops the query that asked for those.
func (e *Engine) ours(r run) bool {
	return r.Kind == "matrix" && r.MetaInfo.text(metaRepository) == e.repository
}

func (e *Engine) makeProject(ctx context.Context) error {
	create := post([]string{"api", "v1", e.owner, "projects", "create"}, map[string]string{"name": e.project})
	_, err := e.client.call(ctx, create, nil)
	if !hasCode(err, http.StatusBadRequest) {
		return err
	}
	// A 400 is also what the server says of a project that somebody else has just made.
	if _, missed := e.client.call(ctx, get([]string{"api", "v1", e.owner, e.project}, nil), nil); missed != nil {
		return err
	}
	return nil
}

// create sends the request once.
func (e *Engine) create(ctx context.Context, ref render.Ref, body creation) error {
	request := post(e.runs(), body)
	reply, err := e.client.open(ctx, request)
	if err == nil {
		// Created is created: whatever breaks in the rest of the reply, the next Observe will find the run.
		defer reply.Body.Close()
		if reply.StatusCode == http.StatusCreated {
			return nil
		}
		err = &replyError{call: e.client.name(request), code: reply.StatusCode, detail: "a create is answered by 201"}
	}
	if refused(err) || untaken(err) {
		return nothing(ref, err)
	}
	return fmt.Errorf("%s may have been created or not, it is looked up before it is sent again: %w", ref, err)
}

func nothing(ref render.Ref, err error) error {
	return fmt.Errorf("%s: %w: %w", ref, reconcile.ErrRefused, err)
}

// refused reports that the server has read the request and said no.
func refused(err error) bool {
	e, ok := errors.AsType[*replyError](err)
	return ok && (e.code/100 == 3 || e.code/100 == 4)
}

// Remove stops the search and its experiments. One that has ended, or is gone, is no error.
func (e *Engine) Remove(ctx context.Context, ref render.Ref, uid, seen string) error {
	if ref.Kind != render.Search || !uuid.MatchString(uid) {
		return fmt.Errorf("polyaxon: %s with uid %q is not a search", ref, uid)
	}
	if seen != "" && seen != uid {
		return fmt.Errorf("%s: %w", ref, reconcile.ErrStale)
	}
	var r run
	_, err := e.client.call(ctx, get(e.runs(uid), nil), &r)
	switch {
	case missing(err):
		return nil
	case err != nil:
		return err
	case !e.ours(r):
		return fmt.Errorf("run %s: %w", uid, reconcile.ErrNotOurs)
	case r.UUID != uid || r.Name != ref.Name:
		return fmt.Errorf("%s is run %s no more: %w", ref, uid, reconcile.ErrStale)
	case r.phase() != plan.Running, r.Status == "stopping", r.LiveState != nil && *r.LiveState < 0:
		return nil
	}
	_, err = e.client.call(ctx, post(e.runs(uid, "stop"), struct{}{}), nil)
	if missing(err) {
		return nil
	}
	return err
}
