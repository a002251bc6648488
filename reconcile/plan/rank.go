package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// board is how many experiments a leader board shows.
const board = 5

// reselect ranks the experiments of a finished search again: of the run that the release's experiment is of.
func (d *draft) reselect(m schema.Model, r schema.Release) {
	if !d.known(m.Name, "", render.Search) {
		return
	}
	runs := slices.DeleteFunc(slices.Clone(d.live.all), func(o Observed) bool { // also those of another name that the model had
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
		d.hold(m.Name, "", unasked(m, d.in.Catalog.Selected[m.Name], run))
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
	if reason != "" && run.Message != "" { // the engine knows why experiments came to nothing
		reason += ": " + run.Message
	}
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

// unasked says what comes of a search of which only git knows.
func unasked(m schema.Model, s schema.Selected, run Observed) string {
	switch {
	case handless(m.Select):
		return "select.experiment is to be picked by hand when the search has ended"
	case mispicked(m, s, run):
		return fmt.Sprintf("select.experiment %s is none of this search's that succeeded: %s", short(m.Select.Experiment), unknown)
	}
	return fmt.Sprintf("reselect: the experiments of search %s are ranked again", run.Ref.Name)
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

// choose returns the experiment that wins a finished search, or why none does. Only experiments that succeeded with a finite
// objective count; the winner passes the gate. Ties go to select.then, then to the oldest experiment, then to the lowest uid,
// so that the same experiments have the same winner in whatever order an engine lists them.
func choose(s schema.Select, all []Experiment) (winner Experiment, reason string) {
	ranked := rank(s, all)
	const rounding = 1e-9 // 0.55 of 100 is 55, not 55.00000000000001
	least := max(1, int(math.Ceil(s.Minimum*float64(len(all))-rounding)))
	if len(ranked) < least {
		return Experiment{}, fmt.Sprintf("%d of %d experiments succeeded with a finite %s, select.minimum asks for %d; raise train.revision to search again",
			len(ranked), len(all), s.Metric, least)
	}
	if s.ByHand || s.Experiment != "" {
		return picked(s, ranked)
	}
	for _, e := range ranked {
		if miss := missed(s.Gate, e); miss == "" {
			return e, ""
		}
	}
	return Experiment{}, fmt.Sprintf("none of %d experiments passes the gate: the best, %s, has %s", len(ranked), leader(s, ranked[0]), missed(s.Gate, ranked[0]))
}

// handless reports whether a person has to pick the winner, and has not.
func handless(s schema.Select) bool { return s.ByHand && s.Experiment == "" }

// picked returns the experiment that a person named.
func picked(s schema.Select, ranked []Experiment) (Experiment, string) {
	if s.Experiment == "" {
		return Experiment{}, "select.experiment is to be picked by hand: " + leaders(s, ranked)
	}
	i := slices.IndexFunc(ranked, func(e Experiment) bool { return e.UID == s.Experiment })
	if i < 0 {
		return Experiment{}, fmt.Sprintf("select.experiment %s is none of this search's that succeeded: %s", short(s.Experiment), leaders(s, ranked))
	}
	if miss := missed(s.Gate, ranked[i]); miss != "" {
		return Experiment{}, fmt.Sprintf("select.experiment %s misses the gate: it has %s; the leaders are %s", short(s.Experiment), miss, leaders(s, ranked))
	}
	return ranked[i], ""
}

// rank sorts the experiments that may win, best first.
func rank(s schema.Select, all []Experiment) []Experiment {
	ranked := slices.DeleteFunc(slices.Clone(all), func(e Experiment) bool {
		return e.Phase != Succeeded || !finite(e, s.Metric)
	})
	objectives := append([]schema.Objective{s.Objective}, s.Then...)
	slices.SortFunc(ranked, func(a, b Experiment) int {
		for _, o := range objectives {
			if c := better(o, a, b); c != 0 {
				return c
			}
		}
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.UID, b.UID))
	})
	return ranked
}

// better is negative where a is better than b. A metric that is missing or not finite is worse than any number.
func better(o schema.Objective, a, b Experiment) int {
	switch x, y := finite(a, o.Metric), finite(b, o.Metric); {
	case !x && !y:
		return 0
	case !x:
		return 1
	case !y:
		return -1
	}
	c := cmp.Compare(a.Metrics[o.Metric], b.Metrics[o.Metric])
	if o.Goal == schema.Maximize {
		return -c
	}
	return c
}

func finite(e Experiment, metric string) bool {
	v, ok := e.Metrics[metric]
	return ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// missed says which bounds of the gate the experiment misses; empty where it passes.
func missed(gate []schema.Bound, e Experiment) string {
	var misses []string
	for _, b := range gate {
		switch v, ok := e.Metrics[b.Metric]; {
		case !ok:
			misses = append(misses, fmt.Sprintf("no %s (%s%v)", b.Metric, b.Op, b.Value))
		case !b.Holds(v) || !finite(e, b.Metric):
			misses = append(misses, fmt.Sprintf("%s %v, not %s%v", b.Metric, v, b.Op, b.Value))
		}
	}
	return strings.Join(misses, ", ")
}

// leader is "f1c2a0b3 (accuracy 0.991)".
func leader(s schema.Select, e Experiment) string {
	return fmt.Sprintf("%s (%s %.4g)", short(e.UID), s.Metric, e.Metrics[s.Metric])
}

func leaders(s schema.Select, ranked []Experiment) string {
	var lines []string
	for _, e := range ranked[:min(board, len(ranked))] {
		lines = append(lines, fmt.Sprintf("%s (%s %.4g)", e.UID, s.Metric, e.Metrics[s.Metric]))
	}
	return strings.Join(lines, ", ")
}
