package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// workers is how many actions of a pass run at a time.
	workers = 8
	// patience is how long one action may take, unless it says so itself.
	patience = time.Minute
	// streaming is how long an artifact may take to be read.
	streaming = 15 * time.Minute
)

// observe asks both engines at the same time. What an engine can't say is unknown, and never taken for absent.
func (l *Loop) observe(ctx context.Context) plan.Live {
	var searches, cluster plan.Live
	var wg sync.WaitGroup
	wg.Go(func() { searches = known(ctx, l.Searches, render.Search) })
	wg.Go(func() { cluster = known(ctx, l.Cluster, render.Claim, render.Workflow, render.SeldonDeployment) })
	wg.Wait()
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}, Unknown: map[render.Kind]string{}}
	for _, part := range []plan.Live{searches, cluster} {
		for ref, objects := range part.Objects {
			live.Objects[ref] = objects
		}
		for kind, reason := range part.Unknown {
			live.Unknown[kind] = reason
		}
	}
	return live
}

// known observes an engine; its error makes all its kinds unknown.
func known(ctx context.Context, e Engine, kinds ...render.Kind) plan.Live {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	live, err := e.Observe(ctx)
	if err == nil {
		return live
	}
	live = plan.Live{Unknown: map[render.Kind]string{}}
	for _, k := range kinds {
		live.Unknown[k] = err.Error()
	}
	return live
}

// commit puts all records of the plan into one commit on the revision that was planned on.
func (l *Loop) commit(ctx context.Context, pass *Pass) error {
	var records []plan.Record
	edit := Edit{Files: map[string][]byte{}}
	for _, a := range pass.Plan.Actions {
		r, ok := a.(plan.Record)
		if !ok {
			continue
		}
		path := "selected/" + r.Model + ".cue"
		content, err := l.amended(path, r)
		if err != nil {
			pass.fail(a, err)
			continue
		}
		records, edit.Files[path] = append(records, r), content
		if r.Date.After(edit.Date) {
			edit.Date = r.Date
		}
	}
	if len(records) == 0 {
		return nil
	}
	edit.Message = plan.Message(records, pass.Revision)
	tip, err := l.Source.Commit(ctx, pass.Revision, edit)
	if err != nil {
		return err
	}
	pass.Done += len(records)
	for _, r := range records {
		l.Log.Info(r.String(), "commit", tip.Short())
	}
	return nil
}

// amended is the file of a model with the record in it.
func (l *Loop) amended(path string, r plan.Record) ([]byte, error) {
	old, err := fs.ReadFile(l.last.tree, path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return schema.Amend(old, r.Model, r.Next)
}

// execute carries out all actions but the records. Each stands alone: one that fails or hangs delays no other.
func (l *Loop) execute(ctx context.Context, pass *Pass) {
	slots, failed := make(chan struct{}, workers), make([]error, len(pass.Plan.Actions))
	var wg sync.WaitGroup
	for i, a := range pass.Plan.Actions {
		if _, committed := a.(plan.Record); committed {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			failed[i] = l.act(ctx, a)
		})
		pass.Done++
	}
	wg.Wait()
	for i, err := range failed {
		switch {
		case err == nil:
		case errors.Is(err, ErrStale): // the next pass decides anew
			l.Log.Debug(pass.Plan.Actions[i].String(), "dropped", err)
		default:
			pass.Done--
			pass.fail(pass.Plan.Actions[i], err)
		}
	}
}

// act carries out one action.
func (l *Loop) act(ctx context.Context, a plan.Action) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit(a))
	defer cancel()
	switch a := a.(type) {
	case plan.Rerun:
		err = l.rerun(ctx, a)
	case plan.Adopt:
		err = l.Cluster.Apply(ctx, a.Claim, a.ClaimSeen)
	case plan.Fetch:
		err = l.Searches.Fetch(ctx, a.Experiment, a.Path)
	case plan.Build:
		err = l.Cluster.Apply(ctx, a.Object, "")
	case plan.Serve:
		err = l.Cluster.Apply(ctx, a.Object, a.Seen)
	case plan.Remove:
		err = l.engine(a.Object.Ref.Kind).Remove(ctx, a.Object.Ref, a.Object.UID, a.Object.Seen)
	default:
		err = fmt.Errorf("no way to carry out a %T", a)
	}
	if err == nil {
		l.Log.Info(a.String())
	}
	return err
}

// rerun takes the claim, then submits the search. The deadline covers both: a daemon that was asleep in between sends nothing,
// because by the time another may take the claim over, its context has ended twice as long ago.
func (l *Loop) rerun(ctx context.Context, a plan.Rerun) error {
	if err := l.Cluster.Apply(ctx, a.Claim, a.ClaimSeen); err != nil {
		return err
	}
	return l.Searches.Apply(ctx, a.Object, "")
}

func (l *Loop) engine(kind render.Kind) Engine {
	if kind == render.Search {
		return l.Searches
	}
	return l.Cluster
}

func limit(a plan.Action) time.Duration {
	switch a := a.(type) {
	case plan.Rerun:
		return a.Timeout
	case plan.Fetch:
		return streaming
	}
	return patience
}

// fail turns an action that could not be carried out into a hold of what it was about.
func (p *Pass) fail(a plan.Action, err error) {
	scope := a.Scope()
	what := strings.TrimPrefix(a.String(), scope.String()+": ")
	p.Failed = append(p.Failed, plan.Hold{Model: scope.Model, Environment: scope.Environment, Reason: what + ": " + err.Error()})
}
