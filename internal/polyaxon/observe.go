package polyaxon

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// pageSize is how many runs one reply lists; the server knows no maximum, a thousand take it a second or two.
const pageSize = 500

// remembered is how long a search that has settled is asked for no more, at most. Its matrix does not tell when somebody deletes
// one of its experiments or resumes it, nor when another daemon fetches.
const remembered = 20 * time.Minute

// settled is a search that has ended, as it was when its matrix was last changed.
type settled struct {
	changed  time.Time
	until    time.Time
	observed plan.Observed
}

// Observe returns the searches of the repository with their experiments. A search whose experiments could not be read is
// Running with a message that says so: it neither ends nor vanishes by that, and no other one waits for it. The maps and
// slices in it are shared between calls and only to be read.
func (e *Engine) Observe(ctx context.Context) (plan.Live, error) {
	matrices, _, err := e.list(ctx, "kind:matrix,meta_info."+metaRepository+":"+e.repository)
	if missing(err) {
		err = e.isPolyaxon(ctx)
	}
	if err != nil {
		return plan.Live{}, err
	}
	matrices = slices.DeleteFunc(matrices, func(r run) bool { return !e.ours(r) })
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}}
	for _, o := range e.searches(ctx, matrices) {
		live.Objects[o.Ref] = append(live.Objects[o.Ref], o)
	}
	e.forget(matrices)
	return live, context.Cause(ctx)
}

// isPolyaxon asks whether the server is one at all, before a 404 is believed to mean that the project is still to be made.
func (e *Engine) isPolyaxon(ctx context.Context) error {
	_, err := e.client.call(ctx, get([]string{"api", "v1", "installation"}, nil), &struct{}{})
	return err
}

// searches looks at all matrices, a few at a time, so that one that hangs does not take the time of the others.
func (e *Engine) searches(ctx context.Context, matrices []run) []plan.Observed {
	const together = 4
	all, slots := make([]plan.Observed, len(matrices)), make(chan struct{}, together)
	var group sync.WaitGroup
	for i, matrix := range matrices {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, e.look)
			defer cancel()
			all[i] = e.search(ctx, matrix)
		})
	}
	group.Wait()
	return all
}

// search looks at one matrix, from memory where it has settled.
func (e *Engine) search(ctx context.Context, matrix run) plan.Observed {
	e.mu.Lock()
	known, ok := e.settled[matrix.UUID]
	e.mu.Unlock()
	if ok && known.changed.Equal(matrix.UpdatedAt) && e.now().Before(known.until) {
		return known.observed
	}
	o := plan.Observed{
		Ref:   render.Ref{Kind: render.Search, Name: matrix.Name},
		Model: matrix.MetaInfo.text(metaModel), Digest: matrix.digest(),
		UID: matrix.UUID, Seen: matrix.UUID, Created: matrix.CreatedAt, Ending: matrix.Status == "stopping" || matrix.final(),
	}
	v, experiments, err := e.verdict(ctx, matrix)
	o.Phase, o.Message, o.Ended = v.phase, e.client.clean(v.message), v.ended
	if err != nil {
		o.Phase, o.Message = plan.Running, "its experiments could not be read: "+err.Error()
	}
	for _, x := range experiments {
		o.Experiments = append(o.Experiments, x.experiment())
	}
	slices.SortFunc(o.Experiments, func(a, b plan.Experiment) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.UID, b.UID))
	})
	if v.settled {
		until := e.now().Add(remembered/2 + rand.N(remembered/2)) // not all at the same time
		e.mu.Lock()
		e.settled[matrix.UUID] = settled{matrix.UpdatedAt, until, o}
		e.mu.Unlock()
	}
	return o
}

func (e *Engine) verdict(ctx context.Context, matrix run) (verdict, []run, error) {
	experiments, now, err := e.list(ctx, "pipeline:"+matrix.UUID)
	if err != nil {
		return verdict{}, nil, err
	}
	experiments = slices.DeleteFunc(experiments, func(r run) bool { return r.Pipeline.UUID != matrix.UUID })
	var history struct {
		Conditions []condition `json:"status_conditions"`
	}
	if unclear(matrix, experiments) {
		if _, err := e.client.call(ctx, get(e.runs(matrix.UUID, "statuses"), nil), &history); err != nil {
			return verdict{}, nil, err
		}
	}
	return e.patience.judge(matrix, experiments, history.Conditions, now), experiments, nil
}

// forget drops what is remembered of searches that the server has no more.
func (e *Engine) forget(matrices []run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id := range e.settled {
		if !slices.ContainsFunc(matrices, func(r run) bool { return r.UUID == id }) {
			delete(e.settled, id)
		}
	}
}

// list returns all live runs that the query selects, oldest first, and the server's clock. A list that changed between its
// pages is an error: a run that is missing by accident would look deleted.
func (e *Engine) list(ctx context.Context, query string) ([]run, time.Time, error) {
	var all []run
	count := -1
	for {
		var p page
		now, err := e.client.call(ctx, get(e.runs(), url.Values{
			"query": {query}, "sort": {"created_at"},
			"limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(len(all))},
		}), &p)
		if err != nil {
			return nil, time.Time{}, err
		}
		if err := p.check(); err != nil {
			return nil, time.Time{}, err
		}
		all = append(all, p.Results...)
		if count < 0 {
			count = *p.Count
		}
		if *p.Count != count || len(all) > count || len(all) < count && len(p.Results) == 0 || doubles(all) {
			return nil, time.Time{}, fmt.Errorf("polyaxon: the list of runs (%s) changed while it was read; the next look will tell", query)
		}
		if len(all) == count {
			return all, now, nil
		}
	}
}

func doubles(runs []run) bool {
	seen := make(map[string]bool, len(runs))
	for _, r := range runs {
		seen[r.UUID] = true
	}
	return len(seen) < len(runs)
}
