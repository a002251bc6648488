package metrics

import (
	"context"
	"errors"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// count takes down how a change went.
func (m *Metrics) count(action, object string, err error) error {
	result := "done"
	switch {
	case errors.Is(err, reconcile.ErrStale):
		result = "stale"
	case err != nil:
		result = "failed"
	}
	m.actions.WithLabelValues(action, object, result).Inc()
	return err
}

// Engine counts the changes of an engine.
func (m *Metrics) Engine(inner reconcile.Engine) reconcile.Engine { return engine{inner, m} }

type engine struct {
	reconcile.Engine
	m *Metrics
}

func (e engine) Apply(ctx context.Context, object render.Object, seen string) error {
	action := "update"
	if seen == "" {
		action = "create"
	}
	return e.m.count(action, string(object.Ref.Kind), e.Engine.Apply(ctx, object, seen))
}

func (e engine) Remove(ctx context.Context, ref render.Ref, uid, seen string) error {
	return e.m.count("remove", string(ref.Kind), e.Engine.Remove(ctx, ref, uid, seen))
}

// Searches counts the changes of the engine that holds them, and the artifacts that were fetched.
func (m *Metrics) Searches(inner Searches) Searches { return searches{m.Engine(inner), inner, m} }

// Searches is an engine with evidence.
type Searches interface {
	reconcile.Engine
	reconcile.Evidence
}

type searches struct {
	reconcile.Engine
	evidence reconcile.Evidence
	m        *Metrics
}

func (s searches) Fetch(ctx context.Context, experiment, path string) error {
	return s.m.count("fetch", "Artifact", s.evidence.Fetch(ctx, experiment, path))
}

// Source counts the commits to a repository.
func (m *Metrics) Source(inner reconcile.Source) reconcile.Source { return source{inner, m} }

type source struct {
	reconcile.Source
	m *Metrics
}

func (s source) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	tip, err := s.Source.Commit(ctx, base, edit)
	return tip, s.m.count("commit", "Commit", err)
}
