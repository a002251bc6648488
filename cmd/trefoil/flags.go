package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// formatVersion is of all JSON output; it grows when a field changes its meaning or goes.
const formatVersion = 1

// flags are known to every verb.
type flags struct {
	config string
	dir    string
	output string
}

func (f *flags) add(set *pflag.FlagSet) {
	set.StringVar(&f.config, "config", "", "configuration `file`; without it TREFOIL_CONFIG, then trefoil.yaml")
	set.StringVarP(&f.dir, "directory", "C", ".", "`folder` of the specs as they are on disk; --repo URL alone reads the branch there")
	set.StringVarP(&f.output, "output", "o", "text", "output `format`, text or json; validate knows sarif and github too")
	c := defaults()
	c.override(set)
}

// moreOutputs is the annotation of a verb with the output formats that it knows beside text and json, separated by spaces.
const moreOutputs = "trefoil.dev/outputs"

// toFile stands in moreOutputs for the name of a file.
const toFile = "FILE"

// isFile tells the name of a file from that of a format.
func isFile(output string) bool { return strings.ContainsAny(output, "./\\") }

// outputs are the formats that a verb knows.
func outputs(verb *cobra.Command) []string {
	return append([]string{"text", "json"}, strings.Fields(verb.Annotations[moreOutputs])...)
}

// check refuses an output format that the verb does not know, before anything is done.
func (f *flags) check(verb *cobra.Command) error {
	known := outputs(verb)
	if slices.Contains(known, f.output) || isFile(f.output) && slices.Contains(known, toFile) {
		return nil
	}
	last := len(known) - 1
	return fmt.Errorf("-o %s: there is %s and %s", f.output, strings.Join(known[:last], ", "), known[last])
}

// completeOutput offers a shell what the verb knows.
func completeOutput(verb *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return outputs(verb), cobra.ShellCompDirectiveNoFileComp
}

// json prints a value as JSON with the format's version in it, if that is what -o asks for.
func (a *app) json(v any) (printed bool, err error) {
	if a.flags.output != "json" {
		return false, nil
	}
	return true, a.printJSON(v)
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
