package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// kept is how many Workflows of a model stay that are of no more use, for people who look for their logs.
	kept = 5
	// remembered is how long a claim stays at least: the hourly fuse counts it.
	remembered = time.Hour
)

// tidy deletes what models need no more, so that a cluster does not fill up: Workflows whose outcome is recorded or that were
// built once more, and claims of searches that a later one has replaced. It is no part of what the fuse on deletions is for, and
// takes what that leaves of a pass.
func (d *draft) tidy() {
	for _, m := range d.in.Catalog.Models {
		if _, frozen := d.in.Catalog.Frozen(m.Name, ""); !frozen {
			d.tidyModel(m)
		}
	}
}

func (d *draft) tidyModel(m schema.Model) {
	if all := d.live.of(render.Workflow, m.Name); len(all) > kept {
		done := slices.DeleteFunc(slices.Clone(all), func(w Observed) bool { return !d.settledBuild(m, w) })
		for _, w := range done[:max(0, len(done)-kept)] {
			d.discard(w, fmt.Sprintf("%d later ones are kept", kept))
		}
	}
	for _, name := range d.names(m) {
		for _, c := range d.live.of(render.Claim, name) {
			if d.settledClaim(m, c) {
				d.discard(c, "a later search has replaced it")
			}
		}
	}
}

func (d *draft) discard(o Observed, reason string) {
	if !o.Ending && d.deleted() < d.in.Limits.Deletions {
		d.do(Remove{o, reason})
	}
}

// deleted counts what the plan deletes or stops.
func (d *draft) deleted() int {
	n := 0
	for _, a := range d.Actions {
		if _, ok := a.(Remove); ok {
			n++
		}
	}
	return n
}

// settledBuild reports whether nothing is to be learned from a Workflow: its release has an image, or another attempt.
func (d *draft) settledBuild(m schema.Model, w Observed) bool {
	if w.Phase == Running {
		return false
	}
	for _, r := range d.in.Catalog.Selected[m.Name].Releases {
		if !builds(w, r) {
			continue
		}
		return r.Image != "" || w.Phase == Failed && slices.ContainsFunc(d.live.of(render.Workflow, m.Name), func(other Observed) bool {
			return other.Attempt > w.Attempt && builds(other, r)
		})
	}
	return false
}

// settledClaim reports whether a claim guards nothing any more: a release answers a search that was started after its own, and
// which people ask for now. Before that it is the only thing that knows of a search that vanished.
func (d *draft) settledClaim(m schema.Model, c Observed) bool {
	if c.Model == m.Name && c.Digest == m.Digests.Search || d.in.Now.Sub(c.Created) < remembered {
		return false
	}
	_, prefix := answering(d.in.Catalog.Selected[m.Name], m.Digests)
	present, found := d.live.at(render.ClaimRef(render.SearchRef(m), d.in.Settings))
	return prefix > 0 && found && present.Created.After(c.Created)
}
