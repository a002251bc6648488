package main

import (
	"fmt"
	"slices"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// narrowing leaves a part of what a command is about.
type narrowing struct {
	models       []string // none for all
	environments []string // none for all, and for what is in none
}

// has reports whether an environment of a model is left; an empty one is what is in none.
func (n narrowing) has(model, environment string) bool {
	return wanted(n.models, model) && (len(n.environments) == 0 || slices.Contains(n.environments, environment))
}

// known complains of environments that no model has.
func (n narrowing) known(c schema.Catalog) error {
	var names []string
	for _, m := range c.Models {
		for _, e := range m.Serve {
			names = append(names, e.Name)
		}
	}
	for _, f := range c.Findings { // one that can't be read may have any
		names = append(names, f.Scope.Environment)
		if f.Severity == schema.Error && f.Scope.Environment == "" {
			return nil
		}
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
	for _, e := range n.environments {
		if !slices.Contains(names, e) {
			return fmt.Errorf("no model is served in an environment %q; there %s", e, listed(names))
		}
	}
	return nil
}

// catalog is without the findings of other environments.
func (n narrowing) catalog(c schema.Catalog) schema.Catalog {
	c.Findings = slices.DeleteFunc(slices.Clone(c.Findings), func(f schema.Finding) bool {
		return f.Scope.Environment != "" && !n.has(f.Scope.Model, f.Scope.Environment)
	})
	return c
}

// asks reports whether something of a kind may be left.
func (n narrowing) asks(kind render.Kind, c schema.Catalog) bool {
	if len(n.environments) > 0 {
		return kind == render.SeldonDeployment
	}
	models := slices.DeleteFunc(slices.Clone(c.Models), func(m schema.Model) bool { return !wanted(n.models, m.Name) })
	return asked(kind, models) || len(models) == 0 && len(n.models) > 0 // of a model that left, whatever it had
}
