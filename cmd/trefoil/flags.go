package main

import (
	"encoding/json"
	"fmt"

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
	set.StringVarP(&f.output, "output", "o", "text", "output `format`, text or json")
	c := defaults()
	c.override(set)
}

// check refuses an unknown output format before anything is done.
func (f *flags) check() error {
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("-o %s: there is text and json", f.output)
	}
	return nil
}

// json prints a value as JSON with the format's version in it, if that is what -o asks for.
func (a *app) json(v any) (printed bool, err error) {
	if a.flags.output != "json" {
		return false, nil
	}
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return true, e.Encode(v)
}
