package compare

import (
	"slices"
	"strings"
)

// Step is one step into an object: a field of a struct, or an element of a list.
type Step struct {
	Name    string // of the field; of an element its name, or else its place
	Element bool
}

// Path leads from an object to a part of it.
type Path []Step

// String is "spec.predictors[main].replicas". A field whose name has dots is in brackets too: "metadata.labels[trefoil.dev/model]".
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Element || strings.ContainsAny(s.Name, ".[]"):
			b.WriteString("[" + s.Name + "]")
		case b.Len() > 0:
			b.WriteString("." + s.Name)
		default:
			b.WriteString(s.Name)
		}
	}
	return b.String()
}

// Under reports whether the path begins with these fields.
func (p Path) Under(fields ...string) bool {
	if len(p) < len(fields) {
		return false
	}
	for i, name := range fields {
		if p[i] != (Step{Name: name}) {
			return false
		}
	}
	return true
}

func (p Path) field(name string) Path { return append(slices.Clone(p), Step{Name: name}) }

func (p Path) element(name string) Path {
	return append(slices.Clone(p), Step{Name: name, Element: true})
}
