package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit it was built from and the Go version",
		Args:  noWords,
		RunE: func(*cobra.Command, []string) error {
			version, commit := "(devel)", "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						commit = s.Value
					}
				}
			}
			v := map[string]any{"format_version": formatVersion, "version": version, "commit": commit, "go": runtime.Version()}
			if printed, err := a.json(v); printed || err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "trefoil %s (commit %s, %s)\n", version, commit, runtime.Version())
			return err
		},
	}
}
