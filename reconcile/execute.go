package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// observe asks both engines. What an engine can't say is unknown, and never taken for absent. Claims are read before searches: a
// run that another daemon has noted in its claim is there by then, and never looks vanished.
func (l *Loop) observe(ctx context.Context) plan.Live {
	cluster := known(ctx, l.Cluster, render.Claim, render.Workflow, render.SeldonDeployment)
	searches := known(ctx, l.Searches, render.Search)
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}, Unknown: map[render.Kind]string{}, Absent: map[render.Kind]bool{}}
	for _, part := range []plan.Live{searches, cluster} {
		maps.Copy(live.Objects, part.Objects)
		maps.Copy(live.Unknown, part.Unknown)
		maps.Copy(live.Absent, part.Absent)
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

// commit puts all records of the plan into one commit on the revision that was planned on, but those whose file can't be written. Its
// error is ErrStale; a push that was refused is told with the records.
func (l *Loop) commit(ctx context.Context, pass *Pass) error {
	records, edit := l.edit(pass)
	for len(records) > 0 {
		edit.Message = plan.Message(records, pass.Revision, l.Phrase)
		tip, err := l.put(ctx, pass, edit)
		var blocked *BlockedError
		switch {
		case errors.Is(err, ErrStale):
			return err
		case errors.As(err, &blocked) && edit.Files[blocked.Path] != nil: // the others go on without it
			delete(edit.Files, blocked.Path)
			records = slices.DeleteFunc(records, func(r plan.Record) bool {
				if file(r) == blocked.Path {
					pass.fail(r, err)
				}
				return file(r) == blocked.Path
			})
			continue
		case errors.Is(err, ErrDeclined) && len(records) > 1:
			return l.apart(ctx, pass, records, edit)
		}
		l.committed(pass, records, tip, err)
		break
	}
	return nil
}

// apart commits one record of those that the server took not together: one of them may be against a rule. The others have the next pass.
func (l *Loop) apart(ctx context.Context, pass *Pass, records []plan.Record, all Edit) error {
	for i, r := range records {
		one := Edit{
			Message: plan.Message([]plan.Record{r}, pass.Revision, l.Phrase), Date: r.Date,
			Files: map[string][]byte{file(r): all.Files[file(r)]},
		}
		tip, err := l.put(ctx, pass, one)
		switch {
		case err == nil:
			l.committed(pass, []plan.Record{r}, tip, nil)
			return nil
		case errors.Is(err, ErrStale):
			return err
		case !errors.Is(err, ErrDeclined): // all of them would fare like this
			l.committed(pass, records[i:], "", err)
			return nil
		}
		pass.fail(r, err)
	}
	return nil
}

// committed tells what came of the commit. Where it failed the engines' part of the plan stands.
func (l *Loop) committed(pass *Pass, records []plan.Record, tip plan.Revision, err error) {
	if err != nil {
		for _, r := range records {
			pass.fail(r, err)
		}
		return
	}
	pass.Done += len(records)
	l.breaker.count(records, l.Now())
	l.Poke()
	for _, r := range records {
		l.Log.Info(r.String(), "commit", tip.Short())
	}
}

// edit is what all records of the plan change, without a message.
func (l *Loop) edit(pass *Pass) ([]plan.Record, Edit) {
	var records []plan.Record
	edit := Edit{Files: map[string][]byte{}}
	for _, a := range pass.Plan.Actions {
		r, ok := a.(plan.Record)
		if !ok {
			continue
		}
		content, err := l.amended(file(r), r)
		if err == nil {
			err = l.breaker.open(r.Model, l.Limits.CommitsPerHour, l.Now())
		}
		if err != nil {
			pass.fail(a, err)
			continue
		}
		records, edit.Files[file(r)] = append(records, r), content
		if r.Date.After(edit.Date) {
			edit.Date = r.Date
		}
	}
	return records, edit
}

// file is that of a record's model.
func file(r plan.Record) string { return folder + r.Model + ".cue" }

// amended is the file of a model with the record in it.
func (l *Loop) amended(path string, r plan.Record) ([]byte, error) {
	old, err := l.old(path)
	if err != nil {
		return nil, err
	}
	return schema.Amend(old, r.Model, r.Next)
}

// execute begins all actions but the records, and waits for them for a moment. Each stands alone: one that fails or hangs delays
// no other, and no later pass.
func (l *Loop) execute(ctx context.Context, pass *Pass, moment time.Duration) {
	l.flights.plan(pass.Plan.Actions)
	for _, a := range pass.Plan.Actions {
		slots := l.flights.quick
		switch a.(type) {
		case plan.Record:
			continue
		case plan.Rerun:
			slots = l.flights.create
		case plan.Fetch:
			slots = l.flights.fetch
		}
		l.flights.begin(ctx, l.limit(a), a, slots, l.act, l.Poke)
	}
	l.flights.wait(moment)
	l.flights.report(pass)
}

// act carries out one action.
func (l *Loop) act(ctx context.Context, a plan.Action) (err error) {
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

// rerun takes the claim, then submits the search. The deadline covers both, and lies well before the time when another daemon may
// take the claim over: one that was asleep in between sends nothing.
func (l *Loop) rerun(ctx context.Context, a plan.Rerun) error {
	if !l.Now().Before(a.Before) {
		return ErrStale
	}
	if err := l.Cluster.Apply(ctx, a.Claim, a.ClaimSeen); err != nil {
		return err
	}
	err := l.Searches.Apply(ctx, a.Object, "")
	if errors.Is(err, ErrRefused) {
		return errors.Join(err, l.refused(ctx, a, err))
	}
	return err
}

// refused notes in the claim that its create made nothing, so that its experiments don't count for the hourly fuse, which would
// hold other models. Should the claim not be seen yet it stays as it is, and is taken over when it expires.
func (l *Loop) refused(ctx context.Context, a plan.Rerun, why error) error {
	taken, err := render.ParseClaim(a.Claim.Body)
	if err != nil {
		return err
	}
	live, err := l.Cluster.Observe(ctx)
	if err != nil {
		return err
	}
	for _, o := range live.Objects[a.Claim.Ref] {
		if o.Claim == taken {
			taken.Experiments, taken.Refused = 0, Line(why.Error())
			return l.Cluster.Apply(ctx, render.NewClaim(a.Object, taken, l.Settings), o.Seen)
		}
	}
	return nil
}

func (l *Loop) engine(kind render.Kind) Engine {
	if kind == render.Search {
		return l.Searches
	}
	return l.Cluster
}

func (l *Loop) limit(a plan.Action) time.Duration {
	switch a := a.(type) {
	case plan.Rerun:
		return a.Before.Sub(l.Now())
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
