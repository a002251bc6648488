package main

import "github.com/spf13/cobra"

func (a *app) diff() *cobra.Command {
	var here localFlags
	var chosen choice
	cmd := &cobra.Command{
		Use:   "diff [MODEL...]",
		Short: "Show object by object how the engines differ from git",
		Long: "Compares every object that git asks for with the live one, by meaning: what is only written in another way, or was filled in by\n" +
			"the API server or a controller, is no difference. Where the live object may differ the server is asked by dry-run. Changes nothing.\n\n" +
			"What git changed is shown as by kubectl diff, from live to git. What somebody changed live, while git did not change, is drift: it\n" +
			"has a section of its own, field by field, with the field manager who wrote it and when; the next pass puts it back. What\n" +
			"searches and builds that exist have in another way, because git asks for it since, the next one has: that is no difference.\n\n" +
			"With -C the files of a folder are compared, as for a pull request; which objects are meant is still said by the configured URL,\n" +
			"branch and path. Values that look secret are not printed.\n\n" +
			"Exit code 0: no difference. 1: there are differences. 2: an error, or an engine could not be seen. 3: the spec is invalid.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			if err := said(cmd, "environment"); err != nil {
				return err
			}
			chosen.models = words
			d, pass, err := a.look(cmd, words, here)
			if err != nil {
				return err
			}
			if err := chosen.exists(pass.Catalog); err != nil {
				return err
			}
			c := d.differences(cmd.Context(), pass, chosen)
			if err := a.printDifferences(c); err != nil {
				return err
			}
			invalid := a.invalid(chosen.findings(pass.Catalog), words)
			switch {
			case c.failed != nil:
				return c.failed
			case invalid != nil:
				return invalid
			case c.differs():
				return exit{code: 1}
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&chosen.environments, "environment", nil, "only the SeldonDeployments of this `environment`; can be repeated")
	here.add(cmd)
	return cmd
}
