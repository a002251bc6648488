package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// dialect0 is the search as Polyaxon 0.x reads it.
const dialect0 = "polyaxon-0"

// renderer renders revisions of the specs.
type renderer struct {
	settings render.Settings
	revision string // that searches check out
	dialect  string // "" or dialect0
}

// objects are what the engines are to hold, as far as git has decided it, in the order of models. What an error freezes is left out.
func (r renderer) objects(c schema.Catalog) ([]render.Object, error) {
	var all []render.Object
	for _, m := range c.Models {
		if r.dialect == "" {
			all = append(all, r.model(c, m)...)
			continue
		}
		group, err := render.PolyaxonV0(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		all = append(all, group)
	}
	return all, nil
}

func (r renderer) model(c schema.Catalog, m schema.Model) []render.Object {
	selected := c.Selected[m.Name]
	all := []render.Object{render.NewSearch(m, r.settings, r.revision)}
	if release, building := plan.Building(m, selected); building {
		all = append(all, render.NewWorkflow(m, release, r.settings))
	}
	for _, e := range m.Serve {
		_, frozen := c.Frozen(m.Name, e.Name)
		if release, waits := plan.Served(selected, e); waits == "" && !frozen {
			all = append(all, render.NewSeldonDeployment(m, e, release, r.settings))
		}
	}
	return all
}

// kinds are what --kind knows.
func kinds() []string {
	return []string{kindOf(render.Search), kindOf(render.Workflow), kindOf(render.SeldonDeployment)}
}

// kindOf is a kind in the letters that people type.
func kindOf(k render.Kind) string { return strings.ToLower(string(k)) }

// choice is which objects are wanted; an empty list is no limit.
type choice struct {
	models, environments, kinds []string
}

// check refuses kinds that there are not, and what would choose nothing.
func (c choice) check() error {
	for _, k := range c.kinds {
		switch k = strings.ToLower(k); {
		case !slices.Contains(kinds(), k):
			return fmt.Errorf("--kind %s: there is search, workflow and seldondeployment", k)
		case len(c.environments) > 0 && k != kindOf(render.SeldonDeployment):
			return fmt.Errorf("--environment is about SeldonDeployments alone: leave out --kind %s", k)
		}
	}
	return nil
}

// exists complains of environments that no wanted model has. While something is invalid nobody knows which there are.
func (c choice) exists(catalogs ...schema.Catalog) error {
	var names []string
	for _, of := range catalogs {
		if len(faults(of, c.models)) > 0 {
			return nil
		}
		for _, m := range of.Models {
			for _, e := range m.Serve {
				if wanted(c.models, m.Name) {
					names = append(names, e.Name)
				}
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, e := range c.environments {
		if slices.Contains(names, e) {
			continue
		}
		hint := ""
		if near, ok := schema.Nearest(e, names); ok {
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return fmt.Errorf("there is no environment %q%s; there %s", e, hint, listed(names))
	}
	return nil
}

// has reports whether an object of the model, the environment and the kind is wanted.
func (c choice) has(model, environment string, kind render.Kind) bool {
	return wanted(c.models, model) &&
		(len(c.environments) == 0 || slices.Contains(c.environments, environment)) &&
		(len(c.kinds) == 0 || slices.ContainsFunc(c.kinds, func(k string) bool { return strings.EqualFold(k, string(kind)) }))
}

// of are the objects that are wanted.
func (c choice) of(all []render.Object) []render.Object {
	return slices.DeleteFunc(slices.Clone(all), func(o render.Object) bool { return !c.has(o.Model, o.Environment, o.Ref.Kind) })
}

// tellWaiting says why an environment that somebody asked for has no object yet.
func (a *app) tellWaiting(c schema.Catalog, chosen choice) {
	for _, m := range c.Models {
		for _, e := range m.Serve {
			_, waits := plan.Served(c.Selected[m.Name], e)
			if waits != "" && slices.Contains(chosen.environments, e.Name) && wanted(chosen.models, m.Name) {
				fmt.Fprintf(a.err, "trefoil: %s/%s is not rendered: it %s\n", m.Name, e.Name, waits)
			}
		}
	}
}
