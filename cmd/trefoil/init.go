package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/schema"
)

// initFlags say which repository is begun.
type initFlags struct {
	example string
	ci      string
	upgrade bool
}

func (a *app) init() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Begin a spec repository that validates at once",
		Long: "Writes models.cue with one small model and its code, the rules (trefoil.cue), the CUE module, a CI job that validates, and\n" +
			".gitattributes into DIR (default: this folder). Asks no engine and no network, and overwrites nothing: where a file in\n" +
			"the way is another one, nothing is written.\n\nExit code 0: all is there. 1: something is in the way, or an error.",
		Args: oneFolder,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, words []string) error {
			dir := a.flags.dir
			if len(words) == 1 && cmd.Flags().Changed("directory") {
				return fmt.Errorf("the folder is named twice, by -C and as %q: name it once", words[0])
			} else if len(words) == 1 {
				dir = words[0]
			}
			if f.upgrade && (cmd.Flags().Changed("example") || cmd.Flags().Changed("ci")) {
				return fmt.Errorf("--upgrade renews %s and nothing else: leave --example and --ci out", definitionsFile)
			} else if f.upgrade {
				return a.upgrade(dir)
			}
			return a.begin(dir, f)
		},
	}
	cmd.Flags().StringVar(&f.example, "example", "", "`name` of a whole example in place of the small model: mnist, mnist-pytorch, three")
	cmd.Flags().StringVar(&f.ci, "ci", "github", "whose CI job is written: github, gitlab, none")
	cmd.Flags().BoolVar(&f.upgrade, "upgrade", false, "renew "+definitionsFile+" for this version of Trefoil, and nothing else")
	for flag, words := range map[string][]string{"example": {"mnist", "mnist-pytorch", "three"}, "ci": {"github", "gitlab", "none"}} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	}
	return cmd
}

func oneFolder(cmd *cobra.Command, words []string) error {
	if len(words) > 1 {
		return fmt.Errorf("%s takes one folder, not %d", cmd.CommandPath(), len(words))
	}
	return nil
}

// begin writes a new repository, or nothing.
func (a *app) begin(name string, f initFlags) error {
	full, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	files, err := newRepository(full, f.example, f.ci)
	if err != nil {
		return err
	}
	dir, err := openFolder(name, true)
	if err != nil {
		return err
	}
	defer dir.Close()
	report, err := place(dir, files)
	if err != nil {
		return err
	}
	if printed, err := a.jsonFiles(report); err != nil {
		return err
	} else if printed && len(in(report, inTheWay)) > 0 {
		return exit{code: 1}
	} else if printed {
		return nil
	}
	if err := blocked(name, report); err != nil {
		return err
	}
	a.printFiles(name, report)
	return nil
}

// upgrade renews the rules of a repository.
func (a *app) upgrade(name string) error {
	dir, err := openFolder(name, false)
	if err != nil {
		return err
	}
	defer dir.Close()
	p, err := look(dir, definitionsFile, schema.CUE())
	if err != nil {
		return err
	}
	if info, err := dir.Lstat(definitionsFile); err == nil && unlike(info, false) != "" {
		return fmt.Errorf("%s: %s: move it away", name, p.Why)
	}
	said := map[string]string{unneeded: "is that of this version already", written: "is added", inTheWay: "is renewed"}[p.State]
	if p.State != unneeded {
		if err := renew(dir, definitionsFile, schema.CUE()); err != nil {
			return err
		}
		p, said = placed{Path: definitionsFile, State: written}, said+", and nothing else is changed; commit it"
	}
	if printed, err := a.jsonFiles([]placed{p}); printed || err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, definitionsFile, said)
	return err
}
