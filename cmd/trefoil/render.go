package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/render"
)

// renderFlags are those of `render` alone.
type renderFlags struct {
	dialect, split string
	base, head     string
	platform       bool
	choice         choice
}

func (a *app) render() *cobra.Command {
	var f renderFlags
	cmd := &cobra.Command{
		Use:   "render [MODEL...]",
		Short: "Print the engines' objects as YAML, byte for byte the same each time",
		Long: "Prints the Polyaxon search of each model, the Workflow of the release that answers the present spec, and the\n" +
			"SeldonDeployment of each environment whose release has an image. What an error freezes is left out.\n\n" +
			"A search is a Polyaxon operation and no object of Kubernetes; kubectl takes the others:\n\n" +
			"  trefoil render --kind workflow,seldondeployment | kubectl apply --dry-run=server -f -\n" +
			"  trefoil render --environment production | kubectl diff -f -\n\n" +
			"With --base it prints what the head renders otherwise than the commit at which it left the base: a unified diff of each\n" +
			"object, all of it where the object is new or gone. A search and a Workflow are called by their digest; they are compared with\n" +
			"those of the model that they take the place of. `trefoil plan --base` says what that means.\n\n" +
			"With --split DIR each object becomes a file: DIR/MODEL/search.yaml, workflow.yaml and seldondeployment-ENVIRONMENT.yaml.\n" +
			"Files that an earlier run wrote there and this one doesn't render are removed, unless the spec is invalid. Other files stay,\n" +
			"and where one is in the way nothing is written.\n\n" +
			"With --platform it prints the accounts of Workflow pods, with the one right that Argo's executor asks for, for kubectl to apply\n" +
			"once: trefoil render --platform | kubectl apply -f -\n\n" +
			"Exit code 0: rendered. 1: an error. 3: the spec is invalid.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			f.choice.models = words
			if err := errors.Join(said(cmd, "base", "head", "split", "environment", "kind"), f.check()); err != nil {
				return err
			}
			switch {
			case f.platform:
				return a.renderPlatform(cmd, f)
			case f.base != "":
				return a.renderBase(cmd, f)
			}
			return a.renderTip(cmd, f)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *renderFlags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.dialect, "dialect", "", "`polyaxon-0` prints the search as the group of Polyaxon 0.x")
	set.StringVar(&f.base, "base", "", "`revision` to compare with, such as main: prints how the rendered objects differ")
	set.StringVar(&f.head, "head", "", "`revision` that is compared; without it the files of -C as they are on disk (worktree)")
	set.BoolVar(&f.platform, "platform", false, "what Workflow pods need in the cluster: accounts, and the Role that Argo's executor asks for")
	set.StringVar(&f.split, "split", "", "write a file for each object to this `folder`")
	set.StringSliceVar(&f.choice.environments, "environment", nil, "only the SeldonDeployments of this `environment`; can be repeated")
	set.StringSliceVar(&f.choice.kinds, "kind", nil, "only objects of this `kind`: search, workflow or seldondeployment; can be repeated")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// said refuses flags that are given and empty, as by a variable that is not set: they are not meant to be left out.
func said(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if flag := cmd.Flags().Lookup(name); flag.Changed && (flag.Value.String() == "" || flag.Value.String() == "[]") {
			return fmt.Errorf("--%s is empty", name)
		}
	}
	return nil
}

// check refuses flags that say nothing together.
func (f renderFlags) check() error {
	switch {
	case f.platform && f.given():
		return errors.New("--platform prints what all models need together: leave out names and the other flags of render")
	case f.dialect != "" && f.dialect != dialect0:
		return fmt.Errorf("--dialect %s: there is %s", f.dialect, dialect0)
	case f.dialect != "" && len(f.choice.environments)+len(f.choice.kinds) > 0:
		return errors.New("--dialect prints searches alone: leave out --environment and --kind")
	case f.head != "" && f.base == "":
		return errors.New("--head goes with --base")
	case f.split != "" && f.base != "":
		return errors.New("--split writes one revision and --base compares two: leave out one of them")
	}
	return f.choice.check()
}

// given reports whether anything narrows or changes what is rendered.
func (f renderFlags) given() bool {
	return f.dialect+f.split+f.base+f.head != "" || len(f.choice.models)+len(f.choice.environments)+len(f.choice.kinds) > 0
}

// renderPlatform prints what the cluster has to hold before a Workflow can run.
func (a *app) renderPlatform(cmd *cobra.Command, f renderFlags) error {
	s, err := a.read(cmd, nil)
	if err != nil {
		return err
	}
	if err := a.printObjects(render.Platform(s.catalog.Models, s.config.settings())); err != nil {
		return err
	}
	return a.invalid(s.catalog, f.choice.models)
}

// renderTip prints what one revision renders, or writes it to files.
func (a *app) renderTip(cmd *cobra.Command, f renderFlags) error {
	s, err := a.read(cmd, f.choice.models)
	if err != nil {
		return err
	}
	if err := f.choice.exists(s.catalog); err != nil {
		return err
	}
	all, err := renderer{s.config.settings(), string(s.revision), f.dialect}.objects(s.catalog)
	if err != nil {
		return err
	}
	a.warnNoRepository(s.config, len(all))
	a.tellWaiting(s.catalog, f.choice)
	chosen := f.choice.of(all)
	if f.split != "" {
		err = a.split(cmd.Context(), f.split, chosen, len(faults(s.catalog, nil)) == 0)
	} else {
		err = a.printObjects(chosen)
	}
	if err != nil {
		return err
	}
	return a.invalid(s.catalog, f.choice.models)
}

// warnNoRepository says what rendered objects lack where nobody said where the specs are.
func (a *app) warnNoRepository(c config, objects int) {
	if c.Repository.URL == "" && objects > 0 {
		fmt.Fprintln(a.err, "trefoil: no repository URL is known (--repo or trefoil.yaml): "+
			"pods can't fetch source folders from what is printed here")
	}
}

func (a *app) printObjects(all []render.Object) error {
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
