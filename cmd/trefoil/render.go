package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

func (a *app) render() *cobra.Command {
	var dialect string
	cmd := &cobra.Command{
		Use:   "render [MODEL...]",
		Short: "Print the engines' objects as YAML, byte for byte the same each time",
		Long: "Prints the Polyaxon search of each model, the Workflow of the release that answers the present spec, and the\n" +
			"SeldonDeployment of each environment whose release has an image.\n\nExit code 0: rendered. 1: an error. 3: the spec is invalid.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			s, err := a.read(cmd, words)
			if err != nil {
				return err
			}
			if s.config.Repository.URL == "" && len(s.catalog.Models) > 0 {
				fmt.Fprintln(a.err, "trefoil: no repository URL is known (--repo or trefoil.yaml): pods can't fetch source folders from what is printed here")
			}
			if err := a.printObjects(s, words, dialect); err != nil {
				return err
			}
			return a.invalid(s.catalog, words)
		},
	}
	cmd.Flags().StringVar(&dialect, "dialect", "", "`polyaxon-0` prints the search as the group of Polyaxon 0.x")
	return cmd
}

// objects are what the engines are to hold for a model, as far as git has decided it.
func objects(s specs, m schema.Model, dialect string) ([]render.Object, error) {
	settings, selected := s.config.settings(), s.catalog.Selected[m.Name]
	switch dialect {
	case "":
	case "polyaxon-0":
		group, err := render.PolyaxonV0(m)
		return []render.Object{group}, err
	default:
		return nil, fmt.Errorf("--dialect %s: there is polyaxon-0", dialect)
	}
	all := []render.Object{render.NewSearch(m, settings, string(s.revision))}
	if r, building := plan.Building(m, selected); building {
		all = append(all, render.NewWorkflow(m, r, settings))
	}
	for _, e := range m.Serve {
		if r, waits := plan.Served(selected, e); waits == "" {
			all = append(all, render.NewSeldonDeployment(m, e, r, settings))
		}
	}
	return all, nil
}

func (a *app) printObjects(s specs, words []string, dialect string) error {
	var all []render.Object
	for _, m := range s.catalog.Models {
		if !wanted(words, m.Name) {
			continue
		}
		of, err := objects(s, m, dialect)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		all = append(all, of...)
	}
	bodies := []any{}
	for _, o := range all {
		bodies = append(bodies, o.Body)
	}
	printed, err := a.json(map[string]any{"format_version": formatVersion, "objects": bodies})
	if !printed && err == nil {
		_, err = a.out.Write(render.YAML(all...))
	}
	return err
}
