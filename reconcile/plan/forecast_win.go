package plan

import (
	"fmt"
	"slices"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// win imagines that every search that was to end has ended, with a winner.
func (f *foresight) win() (moved bool) {
	for _, m := range f.in.Catalog.Models {
		selected := f.in.Catalog.Selected[m.Name]
		_, prefix := answering(selected, m.Digests)
		run, found := f.searched(m)
		if _, frozen := f.in.Catalog.Frozen(m.Name, ""); frozen || prefix > 1 || !found || handless(m.Select) || mispicked(m, selected, run) {
			continue
		}
		moved = true
		word := "record"
		if prefix == 1 {
			word = "reselect"
		}
		if prefix == 1 && m.Select.Experiment == "" {
			f.perhaps[m.Name] = unlessBuilt(m, selected)
		}
		f.won(word, m, clone(selected))
	}
	return moved
}

// searched finds the model's search, under its own name before others, if nobody has asked how it ended.
func (f *foresight) searched(m schema.Model) (run Observed, found bool) {
	for _, objects := range f.in.Live.Objects {
		for _, o := range objects {
			if o.Ref.Kind != render.Search || o.Phase != Unasked || o.Digest != m.Digests.Search {
				continue
			}
			if o.Model == m.Name {
				return o, true
			}
			if !found || o.Ref.Name < run.Ref.Name {
				run, found = o, true
			}
		}
	}
	return run, found
}

// mispicked reports whether a person picked what can be none of a search's experiments, as far as git knows: the search only begins,
// or a release says that the experiment is of another one.
func mispicked(m schema.Model, s schema.Selected, run Observed) bool {
	return m.Select.Experiment != "" && (run.Message == begun || slices.ContainsFunc(s.Releases, func(r schema.Release) bool {
		return r.Experiment == m.Select.Experiment && r.Answers.Search != m.Digests.Search
	}))
}

// unlessBuilt says when ranking again leads to no build: the image of an experiment that won before is there.
func unlessBuilt(m schema.Model, s schema.Selected) string {
	for _, r := range slices.Backward(s.Releases) {
		if r.Answers.Search == m.Digests.Search && r.Answers.Package == m.Digests.Package && r.Image != "" {
			return fmt.Sprintf("unless the experiment of release %d wins again", r.Number)
		}
	}
	return ""
}

func (f *foresight) won(word string, m schema.Model, next schema.Selected) {
	next.Last++
	r := schema.Release{Number: next.Last, Answers: m.Digests, Experiment: unknown, Commit: string(f.in.Revision),
		Artifact: schema.Artifact{Path: m.Train.Artifact, SHA256: imagined(m.Digests.Search, m.Digests.Select)}}
	if m.Select.Experiment != "" {
		r = f.picked(r, m.Select.Experiment, next)
	}
	next.Releases = append(next.Releases, r)
	if complete(m, r) {
		next.Latest = r.Number
	}
	f.record(m.Name, next)
	f.steps = append(f.steps, Step{Scope: schema.Scope{Model: m.Name}, Word: word, Pass: f.pass,
		Text: fmt.Sprintf("release %d, experiment %s (%s %s)", r.Number, short(r.Experiment), m.Select.Metric, unknown)})
}

// picked is a release of an experiment that a person named; one that won before keeps what was found out about it.
func (f *foresight) picked(r schema.Release, experiment string, s schema.Selected) schema.Release {
	r.Experiment = experiment
	for _, old := range s.Releases {
		if old.Experiment != experiment {
			continue
		}
		r.Artifact, r.Params, r.Metrics = old.Artifact, old.Params, old.Metrics
		if sameImage(old, r) && old.Image != "" {
			r.Image = old.Image
		}
	}
	return r
}
