package schema

import (
	"context"
	"fmt"
	"slices"
)

// Load reads and judges one revision. What is wrong with its content is in Catalog.Findings, all of it at once; the error says
// that the tree could not be read at all, or that ctx has ended.
//
// A repository without any spec, an empty one for instance, is an error finding about the whole revision: it never means
// "no models". Only an explicit `models: {}` does.
func Load(ctx context.Context, tree Tree) (Catalog, error) {
	files, found, err := readSpecs(tree)
	if err != nil {
		return Catalog{}, fmt.Errorf("read specs: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Catalog{}, fmt.Errorf("read specs: %w", err)
	}
	judged := evaluate(files)
	c := Catalog{Findings: append(found, judged.Findings...)}
	c.Retired = judged.Retired
	c.Selected = judged.selections(&c.Findings)
	c.Findings = append(c.Findings, lost(c.Selected, judged.Places)...)
	c.Findings = append(c.Findings, crowded(len(judged.Models), judged.Places)...)
	for _, name := range sortedKeys(judged.Models) {
		l := loader{tree: tree, places: judged.Places, name: name, selected: c.Selected[name]}
		model, ok := l.model(judged.Models[name])
		c.Findings = append(c.Findings, l.findings...)
		if ok {
			c.Models = append(c.Models, model)
		}
	}
	c.Findings = append(c.Findings, collisions(c.Models, judged.Places)...)
	c.Findings = append(c.Findings, retiredInUse(judged, c)...)
	c.Findings = append(c.Findings, unheard(c, judged.Places)...)
	c.Findings = append(c.Findings, strays(tree, c.sources(judged.Places))...)
	return c.With(nil), nil
}

// freezes reports whether an error is about exactly this scope or all of the revision.
func (c Catalog) freezes(scope Scope) bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool {
		return f.Severity == Error && (f.Scope == scope || f.Scope == Scope{})
	})
}
