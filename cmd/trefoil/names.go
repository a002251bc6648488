package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// wanted reports whether the words after a verb name the model; no words name all.
func wanted(words []string, model string) bool {
	return len(words) == 0 || slices.Contains(words, model)
}

// known complains of words that name no model.
func known(words []string, c schema.Catalog, p plan.Plan) error {
	if _, frozen := c.Frozen("", ""); frozen {
		return nil // nobody knows what models there are
	}
	return among(words, named(c, p))
}

// among complains of words that are not among the names.
func among(words, names []string) error {
	for _, w := range words {
		if !slices.Contains(names, w) {
			return fmt.Errorf("there is no model %q; there %s", w, listed(names))
		}
	}
	return nil
}

// named are the models of a catalog, those with errors too, and those that left it and that a plan still is about.
func named(c schema.Catalog, p plan.Plan) []string {
	var names []string
	for _, m := range c.Models {
		names = append(names, m.Name)
	}
	for _, f := range c.Findings {
		names = append(names, f.Scope.Model)
	}
	for _, x := range p.Actions {
		names = append(names, x.Scope().Model)
	}
	for _, h := range p.Holds {
		names = append(names, h.Model)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == "" }) // the whole revision
}

// listed is "are: fraud mnist", the first ones of many.
func listed(names []string) string {
	const shown = 20
	switch more := len(names) - shown; {
	case len(names) == 0:
		return "is none"
	case more > 0:
		return fmt.Sprintf("are: %s and %d more", strings.Join(names[:shown], " "), more)
	}
	return "are: " + strings.Join(names, " ")
}

// faults are the findings that freeze something, of the models that the words name and of the whole revision.
func faults(c schema.Catalog, words []string) []schema.Finding {
	return slices.DeleteFunc(about(c, words), func(f schema.Finding) bool { return f.Severity != schema.Error })
}

// about are the findings of the models that the words name, and of the whole revision.
func about(c schema.Catalog, words []string) []schema.Finding {
	var all []schema.Finding
	for _, f := range c.Findings {
		if f.Scope.Model == "" || wanted(words, f.Scope.Model) {
			all = append(all, f)
		}
	}
	return all
}

// keystroke is how long a person who pressed Tab waits.
const keystroke = 3 * time.Second

// complete offers the models of the folder to a shell; nothing where they can't be read.
func (a *app) complete(cmd *cobra.Command, words []string, _ string) ([]string, cobra.ShellCompDirective) {
	tree, err := gitrepo.Worktree(a.flags.dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), keystroke)
	defer cancel()
	c, err := a.load(ctx, tree)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := slices.DeleteFunc(named(c, plan.Plan{}), func(name string) bool { return slices.Contains(words, name) })
	return names, cobra.ShellCompDirectiveNoFileComp
}
