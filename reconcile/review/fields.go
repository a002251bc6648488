package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// field is one thing that people write about a model, with Trefoil's default where they did not.
type field struct {
	path  []string
	value string // as CUE
	shown string // the value without secrets
	usual bool   // it is the default, and says nothing where the other model has no such field
}

func (f field) name() string { return strings.Join(f.path, ".") }

// differences are the fields that differ, in the order of the schema. A package or an environment that is new or gone is one of them.
func differences(old, now schema.Model, mask Mask) []Cause {
	before, after := fields(old, mask), fields(now, mask)
	was, is := values(before), values(after)
	hidden := map[string]string{}
	for _, f := range before {
		hidden[f.name()] = f.shown
	}
	var all []Cause
	for _, f := range after {
		if name := f.name(); was[name] != f.value && told(f, was, is) && !alone(f, old) {
			all = append(all, Cause{Field: name, Old: hidden[name], New: f.shown, Pos: now.Places.At(f.path...)})
		}
	}
	for _, f := range before {
		if name := f.name(); is[name] == "" && told(f, is, was) && !alone(f, now) {
			all = append(all, Cause{Field: name, Old: f.shown, Pos: old.Places.At(f.path...), Gone: true})
		}
	}
	for _, part := range parts(now) {
		if alone(part, old) {
			all = append(all, Cause{Field: part.name(), New: part.value, Pos: now.Places.At(part.path...)})
		}
	}
	for _, part := range parts(old) {
		if alone(part, now) {
			all = append(all, Cause{Field: part.name(), Old: part.value, Pos: old.Places.At(part.path...), Gone: true})
		}
	}
	slices.SortStableFunc(all, func(a, b Cause) int { return section(a.Field) - section(b.Field) })
	return all
}

// told reports whether a field that differs says something: a default does only where it takes the place of something else, and
// the content of a folder where both speak of the same folder.
func told(f field, other, own map[string]string) bool {
	if folder, found := strings.CutSuffix(f.name(), content); found {
		return other[folder] == own[folder]
	}
	return !f.usual || other[f.name()] != ""
}

// alone reports whether a field is of a package or an environment that the other model does not have.
func alone(f field, other schema.Model) bool {
	switch f.path[0] {
	case "package":
		return other.Package == nil
	case "serve":
		return environment(other, f.path[1]).Name == ""
	}
	return false
}

// parts are the package and the environments, each as a whole.
func parts(m schema.Model) []field {
	var all []field
	if m.Package != nil {
		all = append(all, field{path: []string{"package"}, value: fmt.Sprintf("{image: %q}", m.Package.Image)})
	}
	for _, e := range m.Serve {
		value := fmt.Sprintf("{namespace: %q}", e.Namespace)
		if e.Release > 0 {
			value = fmt.Sprintf("{namespace: %q, release: %d}", e.Namespace, e.Release)
		}
		all = append(all, field{path: []string{"serve", e.Name}, value: value})
	}
	return all
}

func values(all []field) map[string]string {
	m := make(map[string]string, len(all))
	for _, f := range all {
		m[f.name()] = f.value
	}
	return m
}

// section is where the part of a model that a field is in comes in the schema.
func section(name string) int {
	first, _, _ := strings.Cut(name, ".")
	return slices.Index([]string{"owner", "labels", "train", "select", "package", "serve"}, first)
}
