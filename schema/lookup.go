package schema

import (
	"strings"

	"cuelang.org/go/cue"
)

// undecided reports whether nothing is wrong but that a value is open.
func (x explainer) undecided(path []string) bool {
	v := x.value(path)
	return v.Exists() && v.Validate() == nil
}

func (x explainer) value(path []string) cue.Value {
	v := x.root
	for _, name := range path {
		v = step(v, name)
	}
	return v
}

// step goes to a field, a definition or a list element.
func step(v cue.Value, name string) cue.Value {
	switch {
	case strings.HasPrefix(name, "#"):
		return v.LookupPath(cue.MakePath(cue.Def(name)))
	case v.IncompleteKind() == cue.ListKind:
		return v.LookupPath(cue.ParsePath("[" + name + "]"))
	}
	return v.LookupPath(cue.MakePath(cue.Str(name)))
}
