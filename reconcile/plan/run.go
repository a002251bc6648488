package plan

import (
	"slices"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// names are those that the model's objects may carry: its own, and where its releases were moved here from another name, those
// that nobody has any more.
func (d *draft) names(m schema.Model) []string {
	if _, moved := d.in.Catalog.Selected[m.Name]; !moved {
		return []string{m.Name}
	}
	return append([]string{m.Name}, d.orphans...)
}

// orphaned are the names of live objects that are neither in models nor in selected: removed ones without a release, and old names.
func (d *draft) orphaned() []string {
	var names []string
	for _, o := range d.live.all { // sorted by model
		_, present := d.models[o.Model]
		_, selected := d.in.Catalog.Selected[o.Model]
		if o.Model != "" && !present && !selected && !d.faulty[o.Model] {
			names = append(names, o.Model)
		}
	}
	return slices.Compact(names)
}

// claim returns the live claim of the model's search; where it has none, the one that it had under another name, which nobody has
// Seen.
func (d *draft) claim(m schema.Model) (Observed, bool) {
	if o, found := d.live.at(render.ClaimRef(render.SearchRef(m), d.in.Settings)); found {
		return o, true
	}
	for _, name := range d.names(m)[1:] {
		for _, o := range d.live.of(render.Claim, name) {
			if o.Digest == m.Digests.Search {
				o.Seen = ""
				return o, true
			}
		}
	}
	return Observed{}, false
}

// run returns the run that counts for the model's present search digest: the one in the claim, and where none is claimed the
// oldest, of the present name before others. A claimed run that is not there is not replaced by another.
func (d *draft) run(m schema.Model, claimed string) (Observed, bool) {
	for _, name := range d.names(m) {
		for _, o := range d.live.of(render.Search, name) {
			if o.Digest == m.Digests.Search && (claimed == "" || o.UID == claimed) {
				return o, true
			}
		}
	}
	return Observed{}, false
}

// inherited reports whether an object of a name that nobody has any more goes on for a model that took over its releases: the
// search that it asks for, or the build of one of its releases.
func (d *draft) inherited(o Observed) bool {
	if o.Phase != Running || !slices.Contains(d.orphans, o.Model) {
		return false
	}
	return slices.ContainsFunc(d.in.Catalog.Models, func(m schema.Model) bool {
		selected, moved := d.in.Catalog.Selected[m.Name]
		switch {
		case !moved:
		case o.Ref.Kind == render.Search:
			_, prefix := answering(selected, m.Digests)
			return prefix == 0 && o.Digest == m.Digests.Search
		case o.Ref.Kind == render.Workflow:
			return slices.ContainsFunc(selected.Releases, func(r schema.Release) bool { return r.Image == "" && builds(o, r) })
		}
		return false
	})
}

// startedBefore counts the experiments that were started in the hour before now, but for the search that the model is to start. A search counts
// with what its claim says, unless that is absurd, or with what is seen of it, whichever is more: it may not be seen yet, or not any more.
func (x index) startedBefore(now time.Time, but schema.Model) int {
	t, started := now.Add(-time.Hour), map[string]int{}
	for _, o := range x.all {
		if o.Ref.Kind == render.Claim && absurd(o, now) {
			continue
		}
		own := o.Model == but.Name && o.Digest == but.Digests.Search
		if own || !submitted(o).After(t) || o.Ref.Kind != render.Search && o.Ref.Kind != render.Claim {
			continue
		}
		search := o.Model + " " + string(o.Digest)
		started[search] = max(started[search], len(o.Experiments), o.Claim.Experiments)
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
