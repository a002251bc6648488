package schema

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
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
	files, found, err := readSpecs(tree)
	if err != nil {
		return Catalog{}, fmt.Errorf("read specs: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Catalog{}, fmt.Errorf("read specs: %w", err)
	}
	if len(files) == 0 {
		return judgement{}.catalog(tree, found), nil
	}
	survey, verdicts, err := evaluate(ctx, files)
	if err != nil {
		return Catalog{}, fmt.Errorf("evaluate specs: %w", err)
	}
	judged, err := join(survey, verdicts)
	if err != nil {
		return Catalog{}, fmt.Errorf("evaluate specs: %w", err)
	}
	return judged.catalog(tree, found), nil
}

// catalog applies the rules that CUE can't say; found is what reading the files found.
func (j judgement) catalog(tree Tree, found []Finding) Catalog {
	c := Catalog{Findings: append(found, j.Findings...), Retired: j.Retired, Again: j.Again}
	c.Selected = j.selections(&c.Findings)
	c.Findings = append(c.Findings, lost(c.Selected, j.Places)...)
	for _, l := range j.load(tree, c) {
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

// load makes models of what was judged, by as many processors as there are.
func (j judgement) load(tree Tree, c Catalog) []*loader {
	var all []*loader
	wrong, folders := c.errors(), &folders{tree: tree, hashes: map[string]hashed{}}
	for _, name := range sortedKeys(j.Models) {
		all = append(all, &loader{folders: folders, places: j.Places, name: name, selected: c.Selected[name], unread: wrong[Scope{Model: name}]})
	}
	const some = 64 // fewer are done before others have begun
	var workers sync.WaitGroup
	for part := range slices.Chunk(all, max(some, (len(all)-1)/runtime.GOMAXPROCS(0)+1)) {
		workers.Go(func() {
			for _, l := range part {
				l.loaded, l.ok = l.model(j.Models[l.name])
			}
		})
	}
	workers.Wait()
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
