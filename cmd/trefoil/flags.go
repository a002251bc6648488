package main

import (
	"encoding/json"
	"fmt"
	"slices"

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
	set.StringVarP(&f.dir, "directory", "C", ".", "spec repository as it is on disk; --repo URL reads one elsewhere")
	set.StringVarP(&f.output, "output", "o", "text", "text or json")
	c := defaults()
	c.override(set)
}

// json prints a value as JSON with the format's version in it, if that is what -o asks for.
func (a *app) json(v any) (printed bool, err error) {
	switch a.flags.output {
	case "text":
		return false, nil
	case "json":
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return true, e.Encode(v)
	}
	return true, fmt.Errorf("-o %s: there is text and json", a.flags.output)
}

// wanted reports whether the words after a verb name the model; no words name all.
func wanted(words []string, model string) bool {
	return len(words) == 0 || slices.Contains(words, model)
}
