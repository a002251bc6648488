package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// model tells what happened to a model that is there now.
func (s *story) model(m schema.Model) {
	old := cmp.Or(s.old[m.Name], m.Name)
	was, known := modelOf(s.before, old)
	had, selected := s.before.Selected[old], s.after.Selected[m.Name]
	_, prefix := answering(selected, m.Digests)
	if !known && (s.hidden[schema.Scope{}] || s.hidden[schema.Scope{Model: m.Name}]) {
		return
	}
	switch {
	case old != m.Name:
		s.changes = append(s.changes, Change{Model: m.Name, Word: "rename", Detail: old + " -> " + m.Name, From: old})
	case !known && len(had.Releases) > 0:
		s.say(m.Name, "", "return", "with %s", spanned(had, "%s"))
	case !known && prefix == 0:
		s.say(m.Name, "", "add", "asks for a search%s", experiments(m))
	case !known:
		s.say(m.Name, "", "add", "with %s", spanned(selected, "%s"))
	}
	s.releases(m, had, selected)
	if known {
		s.asks(was, m, selected)
	}
	s.serve(m, was, had, selected)
	if known {
		s.waits(m, old)
	}
}

// releases tells what the daemon wrote, and what people did to it.
func (s *story) releases(m schema.Model, had, selected schema.Selected) {
	earlier, moved := clone(had), 0
	for _, r := range selected.Releases {
		old, known := had.Release(r.Number)
		built := r
		built.Image = ""
		switch {
		case !known:
			s.changes = append(s.changes, recorded(m, earlier, r))
			earlier.Releases = append(earlier.Releases, r)
			moved = max(moved, r.Number)
		case sameRelease(old, r):
		case sameRelease(old, built):
			s.changes = append(s.changes, Change{
				Model: m.Name, Word: "record", Detail: fmt.Sprintf("release %d is %s", r.Number, brief(r.Image)), Release: r.Number, Image: r.Image,
			})
			moved = max(moved, r.Number)
		default:
			s.say(m.Name, "", "edit", "release %d was changed", r.Number)
		}
	}
	for _, r := range had.Releases {
		if _, still := selected.Release(r.Number); !still {
			s.say(m.Name, "", "edit", "release %d was taken out", r.Number)
		}
	}
	if selected.Latest != had.Latest && selected.Latest != moved && selected.Latest > 0 {
		s.changes = append(s.changes, Change{
			Model: m.Name, Word: "record", Detail: fmt.Sprintf("latest is release %d", selected.Latest), Release: selected.Latest,
		})
	}
}

func sameRelease(a, b schema.Release) bool {
	return a.Answers == b.Answers && a.Experiment == b.Experiment && a.Artifact == b.Artifact && a.Commit == b.Commit && a.Image == b.Image &&
		maps.Equal(a.Metrics, b.Metrics) && maps.Equal(a.Params, b.Params)
}

// recorded is a new release, beside those that were there.
func recorded(m schema.Model, had schema.Selected, r schema.Release) Change {
	c := Change{Model: m.Name, Word: "record", Release: r.Number, Image: r.Image}
	what := "experiment " + short(r.Experiment)
	if _, rated := r.Metrics[m.Select.Metric]; rated {
		what = "experiment " + leader(m.Select, Experiment{UID: r.Experiment, Metrics: r.Metrics})
	}
	switch _, prefix := answering(had, r.Answers); prefix {
	case 1:
		c.Word = "reselect"
	case 2:
		c.Word, what = "repackage", "experiment "+short(r.Experiment)+" packaged anew"
	}
	c.Detail = fmt.Sprintf("release %d, %s", r.Number, what)
	if r.Image != "" {
		c.Detail += ", is " + brief(r.Image)
	}
	return c
}

// asks tells what people ask for now, and what that leads to.
func (s *story) asks(was, m schema.Model, selected schema.Selected) {
	if was.Digests == m.Digests {
		if attempt(was) != attempt(m) {
			s.say(m.Name, "", "rebuild", "package.attempt %d -> %d", attempt(was), attempt(m))
		}
		return
	}
	fields := slices.Concat(trainChanges(was.Train, m.Train), selectChanges(was.Select, m.Select), packageChanges(was.Package, m.Package))
	what := cmp.Or(strings.Join(fields, ", "), "digests")
	r, prefix := answering(selected, m.Digests)
	switch {
	case prefix == 3:
		s.changes = append(s.changes, Change{
			Model: m.Name, Word: "revert", Detail: fmt.Sprintf("%s: release %d answers that", what, r.Number), Release: r.Number,
		})
	case prefix == 2:
		s.say(m.Name, "", "repackage", "%s", what)
	case prefix == 1:
		s.say(m.Name, "", "reselect", "%s", what)
	case was.Digests.Search == m.Digests.Search:
		s.say(m.Name, "", "update", "%s", what)
	case len(selected.Releases) == 0:
		s.say(m.Name, "", "search", "%s: asks for another search%s", what, experiments(m))
	default:
		s.say(m.Name, "", "rerun", "%s: asks for a new search%s", what, experiments(m))
	}
}

func trainChanges(a, b schema.Train) []string {
	return differences(
		field{"train.revision", a.Revision, b.Revision},
		field{"train.image", a.Image, b.Image},
		field{"train.source", source(a.Source), source(b.Source)},
		field{"train.command", fmt.Sprint(a.Command), fmt.Sprint(b.Command)},
		field{"train.params", fmt.Sprint(a.Params), fmt.Sprint(b.Params)},
		field{"train.search", space(a.Search), space(b.Search)},
		field{"train.artifact", a.Artifact, b.Artifact},
	)
}

func selectChanges(a, b schema.Select) []string {
	return differences(
		field{"select.metric", a.Metric, b.Metric},
		field{"select.goal", string(a.Goal), string(b.Goal)},
		field{"gate", gate(a.Gate), gate(b.Gate)},
		field{"select.then", fmt.Sprint(a.Then), fmt.Sprint(b.Then)},
		field{"select.minimum", fmt.Sprint(a.Minimum), fmt.Sprint(b.Minimum)},
		field{"select.by hand", fmt.Sprint(a.ByHand), fmt.Sprint(b.ByHand)},
		field{"select.experiment", short(a.Experiment), short(b.Experiment)},
	)
}

func packageChanges(a, b *schema.Package) []string {
	var none schema.Package
	a, b = cmp.Or(a, &none), cmp.Or(b, &none)
	return differences(
		field{"package.image", a.Image, b.Image},
		field{"package.source", source(a.Source), source(b.Source)},
		field{"package.builder", builder(a.Builder), builder(b.Builder)},
	)
}

// attempt is how often people asked for the build.
func attempt(m schema.Model) int {
	if m.Package == nil {
		return 0
	}
	return m.Package.Attempt
}
