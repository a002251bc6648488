package plan

import (
	"fmt"
	"maps"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Where commits wait for people in a branch of their own, what is recorded there is planned and built upon, and served only once it is
// merged. What people write to the branch that is followed goes before it.

// Overlay returns what a catalog has selected, by model, with what another branch adds to it: releases with numbers that were not given yet,
// images that were missing, and which release is the latest. Added are the models of which that is so. Of a model whose releases were changed
// in any other way, since the other branch began, that branch counts nothing: its work is made anew upon what people wrote. What is proposed
// of a model with an error waits with it; what is proposed of one that left counts nothing.
func Overlay(c schema.Catalog, proposed map[string]schema.Selected) (all map[string]schema.Selected, added map[string]bool) {
	all, added = maps.Clone(c.Selected), map[string]bool{}
	if all == nil {
		all = map[string]schema.Selected{}
	}
	there := map[string]bool{}
	for _, m := range c.Models {
		there[m.Name] = true
	}
	for name, next := range proposed {
		if _, frozen := c.Frozen(name, ""); !there[name] && !frozen {
			continue
		}
		if both, more := joined(c.Selected[name], next); more {
			all[name], added[name] = both, true
		}
	}
	return all, added
}

// joined is what is there, and what next adds to it.
func joined(now, next schema.Selected) (both schema.Selected, more bool) {
	both = clone(now)
	both.Last = max(both.Last, next.Last)
	for i, r := range both.Releases {
		after, kept := next.Release(r.Number)
		if r.Image == "" && after.Image != "" {
			both.Releases[i].Image, more = after.Image, true
			after.Image = ""
		}
		if !kept || !equal(r, after) {
			return now, false
		}
	}
	for _, r := range next.Releases {
		if _, known := now.Release(r.Number); known {
			continue
		}
		if r.Number <= now.Last {
			return now, false // people took it out
		}
		both.Releases, more = append(both.Releases, r), true
	}
	if _, found := both.Release(next.Latest); found && next.Latest != now.Latest {
		both.Latest, more = next.Latest, true
	}
	return both, more
}

func equal(a, b schema.Release) bool {
	return a.Number == b.Number && a.Answers == b.Answers && a.Experiment == b.Experiment && a.Artifact == b.Artifact && a.Commit == b.Commit &&
		a.Image == b.Image && maps.Equal(a.Params, b.Params) && maps.Equal(a.Metrics, b.Metrics)
}

// merged is what is selected of a model where it may be served.
func (d *draft) merged(model string) schema.Selected {
	if d.in.Merged != nil {
		return d.in.Merged[model]
	}
	return d.in.Catalog.Selected[model]
}

// proposed tells that what was recorded of a model waits for people.
func (d *draft) proposed(m schema.Model) {
	if d.in.Merged == nil {
		return
	}
	now, next := d.in.Merged[m.Name], d.in.Catalog.Selected[m.Name]
	if _, more := joined(now, next); !more {
		return
	}
	last := next.Releases[len(next.Releases)-1]
	switch _, merged := now.Release(last.Number); {
	case last.Image == "" && m.Package != nil:
		d.hold(m.Name, "", fmt.Sprintf("release %d is proposed, without an image yet", last.Number))
	case merged && next.Latest != now.Latest && len(next.Releases) == len(now.Releases):
		d.hold(m.Name, "", fmt.Sprintf("release %d is proposed as the latest: merge it to serve it", next.Latest))
	default:
		d.hold(m.Name, "", fmt.Sprintf("release %d is proposed: merge it to serve it", last.Number))
	}
}
