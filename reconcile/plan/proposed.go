package plan

import (
	"fmt"
	"maps"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Where commits wait for people in a branch of their own, what is recorded there is planned and built upon, and served only once it is
// merged. What people write to the branch that is followed goes before it.

// Overlay returns what a catalog has selected, by model, with what another branch adds to it: releases with numbers that were not given yet, and
// images that were missing. Added are the models of which that is so. Of a model whose releases were changed in any other way, since the
// other branch began, that branch counts nothing: its work is made anew upon what people wrote.
func Overlay(c schema.Catalog, proposed map[string]schema.Selected) (all map[string]schema.Selected, added map[string]bool) {
	all, added = maps.Clone(c.Selected), map[string]bool{}
	if all == nil {
		all = map[string]schema.Selected{}
	}
	for _, m := range c.Models {
		if next, found := proposed[m.Name]; found && adds(c.Selected[m.Name], next) {
			all[m.Name], added[m.Name] = next, true
		}
	}
	return all, added
}

// adds reports whether next is what is there and more.
func adds(now, next schema.Selected) bool {
	more := false
	for _, r := range now.Releases {
		after, kept := next.Release(r.Number)
		if r.Image == "" && after.Image != "" {
			more, after.Image = true, ""
		}
		if !kept || !equal(r, after) {
			return false
		}
	}
	for _, r := range next.Releases {
		if _, known := now.Release(r.Number); !known {
			if r.Number <= now.Last {
				return false // people took it out
			}
			more = true
		}
	}
	return more
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
	if !adds(now, next) {
		return
	}
	last := next.Releases[len(next.Releases)-1]
	switch {
	case last.Image == "" && m.Package != nil:
		d.hold(m.Name, "", fmt.Sprintf("release %d is proposed, without an image yet", last.Number))
	default:
		d.hold(m.Name, "", fmt.Sprintf("release %d is proposed: merge it to serve it", last.Number))
	}
}
