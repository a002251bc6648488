package schema

import (
	_ "embed"
	"slices"
)

// schemaFile is the name of the definitions in a spec repository and in positions that point into them.
const schemaFile = "trefoil.cue"

//go:embed trefoil.cue
var definitions []byte

// CUE returns the definitions: what a spec repository carries as trefoil.cue.
func CUE() []byte { return slices.Clone(definitions) }
