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
//
// Load evaluates CUE in this process: see [Evaluate]. [LoadWith] has it evaluated elsewhere.
func Load(ctx context.Context, tree Tree) (Catalog, error) { return LoadWith(ctx, tree, Evaluate) }

// LoadWith is Load with another Evaluator. What that returns is not trusted: an error says that it can't be a judgement of tree.
func LoadWith(ctx context.Context, tree Tree, evaluate Evaluator) (Catalog, error) {
	return new(Memory).Load(ctx, tree, evaluate)
}

// Load is LoadWith, and the sooner done the more models say what they said in the revision that was loaded last.
func (m *Memory) Load(ctx context.Context, tree Tree, evaluate Evaluator) (Catalog, error) {
	files, found, err := readSpecs(tree)
	if err != nil {
		return Catalog{}, fmt.Errorf("read specs: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Catalog{}, fmt.Errorf("read specs: %w", err)
	}
	if len(files) == 0 {
		return judgement{}.catalog(tree, found, new(Memory)), nil
	}
	survey, verdicts, err := evaluate(ctx, files)
	if err != nil {
		return Catalog{}, fmt.Errorf("evaluate specs: %w", err)
	}
	judged, err := join(survey, verdicts)
	if err != nil {
		return Catalog{}, fmt.Errorf("evaluate specs: %w", err)
	}
	return judged.catalog(tree, found, m), nil
}

// catalog applies the rules that CUE can't say; found is what reading the files found.
func (j judgement) catalog(tree Tree, found []Finding, m *Memory) Catalog {
	c := Catalog{Findings: append(found, j.Findings...), Retired: j.Retired, Again: j.Again}
	c.Selected = j.selections(&c.Findings)
	c.Findings = append(c.Findings, lost(c.Selected, j.Places)...)
	c.Models = make([]Model, 0, len(j.Models))
	for _, l := range m.build(j.loaders(tree, c)) {
		c.Findings = append(c.Findings, l.findings...)
		if l.ok {
			c.Models = append(c.Models, l.loaded)
		}
	}
	c.Findings = append(c.Findings, collisions(c.Models, j.Places)...)
	c.Findings = append(c.Findings, retiredInUse(j, c)...)
	c.Findings = append(c.Findings, unheard(c, j.Places)...)
	c.Findings = append(c.Findings, strays(tree, j.folders(c))...)
	return c.With(nil)
}

// loaders are of all models, by name.
func (j judgement) loaders(tree Tree, c Catalog) []*loader {
	var all []*loader
	wrong, folders := c.errors(), &folders{tree: tree, hashes: map[string]hashed{}}
	for _, name := range sortedKeys(j.Models) {
		all = append(all, &loader{folders: folders, places: j.Places, name: name, raw: j.Models[name],
			selected: c.Selected[name], unread: wrong[Scope{Model: name}]})
	}
	return all
}

// freezes reports whether an error is about exactly this scope or all of the revision.
func (c Catalog) freezes(scope Scope) bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool {
		return f.Severity == Error && (f.Scope == scope || f.Scope == Scope{})
	})
}

// errors are the scopes that an error is about.
func (c Catalog) errors() map[Scope]bool {
	scopes := map[Scope]bool{}
	for _, f := range c.Findings {
		if f.Severity == Error {
			scopes[f.Scope] = true
		}
	}
	return scopes
}
