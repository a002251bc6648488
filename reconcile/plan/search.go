package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// search brings a model forward whose present search digest no release answers.
func (d *draft) search(m schema.Model) {
	if !d.known(m.Name, "", render.Search, render.Claim) {
		return
	}
	object := render.NewSearch(m, d.in.Settings, string(d.in.Revision))
	claim, claimed := d.claim(object)
	run, found := d.in.Live.run(m, claim.Claim.Run)
	switch {
	case found:
		if claim.Claim.Run == "" {
			d.adopt(object, claim, run)
		}
		d.rank("record", m, run)
	case claim.Claim.Run != "":
		d.hold(m.Name, "", fmt.Sprintf("search %s (run %s) vanished from Polyaxon; raise train.revision to search again",
			object.Ref.Name, short(claim.Claim.Run)))
	case claimed && claim.Phase == Failed:
		d.hold(m.Name, "", fmt.Sprintf("%s can't be read, and no run of it is found: %s; raise train.revision to search again",
			claim.Ref, claim.Message))
	case claimed && d.in.Now.Before(claim.Claim.Expires):
		d.hold(m.Name, "", fmt.Sprintf("the create of search %s is not confirmed; it is looked up until %s before it is sent again",
			object.Ref.Name, claim.Claim.Expires.UTC().Format(time.TimeOnly+" MST")))
	default:
		d.submit(m, object, claim.Seen)
	}
}

// adopt notes in the claim which run the search became.
func (d *draft) adopt(object render.Object, claim, run Observed) {
	started := max(claim.Claim.Experiments, len(run.Experiments))
	data := render.ClaimData{Holder: d.in.Holder, Expires: d.in.Now, Run: run.UID, Experiments: started}
	d.do(Adopt{Claim: render.NewClaim(object, data, d.in.Settings), ClaimSeen: claim.Seen, Run: run.UID})
}

// submit starts a search if the hourly fuse lets it.
func (d *draft) submit(m schema.Model, object render.Object, claimSeen string) {
	n, limit := render.Experiments(m), d.in.Limits.ExperimentsPerHour
	if before := d.started + d.in.Live.startedSince(d.in.Now.Add(-time.Hour), m); before > 0 && before+n > limit {
		d.hold(m.Name, "", fmt.Sprintf("%d experiments would be more than %d in an hour, %d were started", n, limit, before))
		return
	}
	d.started += n
	word := "search"
	if len(d.in.Catalog.Selected[m.Name].Releases) > 0 {
		word = "rerun"
	}
	timeout := render.CreateTimeout(n)
	data := render.ClaimData{Holder: d.in.Holder, Expires: d.in.Now.Add(2 * timeout), Experiments: n}
	d.do(Rerun{
		Word: word, Object: object, Claim: render.NewClaim(object, data, d.in.Settings), ClaimSeen: claimSeen,
		Experiments: n, Before: d.in.Now.Add(timeout),
	})
}

// reselect ranks the experiments of a finished search again: of the run that the release's experiment is of.
func (d *draft) reselect(m schema.Model, r schema.Release) {
	if !d.known(m.Name, "", render.Search) {
		return
	}
	runs := slices.DeleteFunc(d.in.Live.all(), func(o Observed) bool { // also those of another name that the model had
		return o.Ref.Kind != render.Search || o.Digest != m.Digests.Search
	})
	i := slices.IndexFunc(runs, func(o Observed) bool {
		return o.Phase == Unasked || slices.ContainsFunc(o.Experiments, func(e Experiment) bool { return e.UID == r.Experiment })
	})
	if i < 0 { // unless one could not be read
		i = slices.IndexFunc(runs, func(o Observed) bool { return o.Phase == Running })
	}
	if i < 0 {
		d.hold(m.Name, "", fmt.Sprintf("the search of experiment %s, which is to be ranked again, vanished from Polyaxon; raise train.revision to search again",
			short(r.Experiment)))
		return
	}
	d.rank("reselect", m, runs[i])
}

// rank records the winner of a search that is done, once the sha256 of its artifact is known.
func (d *draft) rank(word string, m schema.Model, run Observed) {
	switch run.Phase {
	case Unasked:
		d.hold(m.Name, "", fmt.Sprintf("reselect: the experiments of search %s are ranked again", run.Ref.Name))
		return
	case Running:
		d.hold(m.Name, "", progress(run))
		return
	case Stopped:
		d.hold(m.Name, "", fmt.Sprintf("search %s was stopped and is not ranked; raise train.revision to search again", run.Ref.Name))
		return
	case Failed:
		d.hold(m.Name, "", fmt.Sprintf("search %s failed: %s; raise train.revision to search again", run.Ref.Name, run.Message))
		return
	}
	winner, reason := choose(m.Select, run.Experiments)
	if reason != "" {
		d.hold(m.Name, "", reason)
		return
	}
	sum, known := winner.Artifacts[m.Train.Artifact]
	if !known {
		d.do(Fetch{Model: m.Name, Experiment: winner.UID, Path: m.Train.Artifact})
		return
	}
	d.record(word, m, schema.Release{
		Experiment: winner.UID, Params: searched(m, winner), Metrics: finiteMetrics(winner),
		Artifact: schema.Artifact{Path: m.Train.Artifact, SHA256: sum},
	}, "experiment "+leader(m.Select, winner), winner.Ended)
}

func progress(run Observed) string {
	done := 0
	for _, e := range run.Experiments {
		if e.Phase != Running {
			done++
		}
	}
	s := fmt.Sprintf("search running, %d of %d experiments", done, len(run.Experiments))
	if run.Message != "" {
		s += ": " + run.Message
	}
	return s
}

// searched are the parameters that the search varied, as the experiment had them.
func searched(m schema.Model, e Experiment) map[string]any {
	params := map[string]any{}
	for _, name := range m.Train.Search.Names() {
		params[name] = e.Params[name]
	}
	return params
}

func finiteMetrics(e Experiment) map[string]float64 {
	metrics := map[string]float64{}
	for name, v := range e.Metrics {
		if finite(e, name) {
			metrics[name] = v
		}
	}
	return metrics
}

// claim returns the live claim of a search.
func (d *draft) claim(search render.Object) (Observed, bool) {
	ref := render.NewClaim(search, render.ClaimData{}, d.in.Settings).Ref
	if o := d.in.Live.Objects[ref]; len(o) > 0 {
		return o[0], true
	}
	return Observed{}, false
}

// replaced stops running searches of the model that nobody wants: those of another digest, once the wanted one is there or
// answered, and doubles of the wanted one, once the claim says which of them counts.
func (d *draft) replaced(m schema.Model) {
	claim, _ := d.claim(render.NewSearch(m, d.in.Settings, string(d.in.Revision)))
	wanted, found := d.in.Live.run(m, claim.Claim.Run)
	_, prefix := answering(d.in.Catalog.Selected[m.Name], m.Digests)
	if !found && prefix == 0 {
		return
	}
	for _, o := range d.in.Live.of(render.Search, m.Name) {
		double := o.Digest == m.Digests.Search
		switch {
		case o.Phase != Running || o.UID == wanted.UID || double && claim.Claim.Run != wanted.UID:
		case o.Ending:
			d.hold(m.Name, "", fmt.Sprintf("%s is ending", o.Ref))
		case double:
			d.do(Remove{o, "double of run " + short(wanted.UID)})
		default:
			d.do(Remove{o, "replaced by " + m.Digests.Search.Short()})
		}
	}
}

// of returns the objects of a kind that belong to a model, oldest first.
func (l Live) of(kind render.Kind, model string) []Observed {
	var all []Observed
	for ref, objects := range l.Objects {
		for _, o := range objects {
			if ref.Kind == kind && o.Model == model {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b Observed) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Ref.String(), b.Ref.String()), cmp.Compare(a.UID, b.UID))
	})
	return all
}

// runs are those of the model's present search digest, oldest first.
func (l Live) runs(m schema.Model) []Observed {
	return slices.DeleteFunc(l.of(render.Search, m.Name), func(o Observed) bool { return o.Digest != m.Digests.Search })
}

// run returns the run that counts for the model's present search digest: the one in the claim, and where none is claimed the
// oldest. A claimed run that is not there is not replaced by another.
func (l Live) run(m schema.Model, claimed string) (Observed, bool) {
	runs := l.runs(m)
	if claimed != "" {
		runs = slices.DeleteFunc(runs, func(o Observed) bool { return o.UID != claimed })
	}
	if len(runs) == 0 {
		return Observed{}, false
	}
	return runs[0], true
}

// startedSince counts the experiments that were started after t, but for the search that the model is to start. A search counts
// with what its claim says or with what is seen of it, whichever is more: it may not be seen yet, or not any more.
func (l Live) startedSince(t time.Time, but schema.Model) int {
	started := map[string]int{}
	for ref, objects := range l.Objects {
		for _, o := range objects {
			own := o.Model == but.Name && o.Digest == but.Digests.Search
			if own || !submitted(o).After(t) || ref.Kind != render.Search && ref.Kind != render.Claim {
				continue
			}
			search := o.Model + " " + string(o.Digest)
			started[search] = max(started[search], len(o.Experiments), o.Claim.Experiments)
		}
	}
	n := 0
	for _, experiments := range started {
		n += experiments
	}
	return n
}

// submitted is when a search was created, or when the last create of it may have been sent: a claim is taken over as it is.
func submitted(o Observed) time.Time {
	if sent := o.Claim.Expires.Add(-2 * render.CreateTimeout(o.Claim.Experiments)); sent.After(o.Created) {
		return sent
	}
	return o.Created
}
