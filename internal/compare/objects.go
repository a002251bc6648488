package compare

import (
	"maps"
	"slices"
	"strconv"
)

// Objects are the fields in which the live object differs from what git asks for, sorted by path, the smallest parts of which that
// can be said. Both are JSON as decoders make it. Who wrote them and why they differ is left open.
func Objects(live, git map[string]any) []Field { return values(nil, live, git) }

func values(p Path, live, git any) []Field {
	switch l := live.(type) {
	case map[string]any:
		if g, ok := git.(map[string]any); ok {
			return structs(p, l, g)
		}
	case []any:
		if g, ok := git.([]any); ok {
			return lists(p, l, g)
		}
	}
	if same(p, live, git) {
		return nil
	}
	return []Field{{Path: p, Live: live, Git: git}}
}

func structs(p Path, live, git map[string]any) []Field {
	var all []Field
	for _, name := range keys(live, git) {
		all = append(all, values(p.field(name), live[name], git[name])...)
	}
	return all
}

// keys are those of both, sorted.
func keys[V any](a, b map[string]V) []string {
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, found := a[name]; !found {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lists pairs elements by their names where all have one, else by their places where there are as many on both sides. Other lists are
// one value.
func lists(p Path, live, git []any) []Field {
	l, g := byName(live), byName(git)
	switch {
	case len(live) == 0 && len(git) == 0:
		return nil
	case l != nil && g != nil:
		return named(p, live, git)
	case len(live) != len(git) || !structured(live) || !structured(git):
		return whole(p, live, git)
	}
	var all []Field
	for i := range live {
		all = append(all, values(p.element(strconv.Itoa(i)), live[i], git[i])...)
	}
	return all
}

// whole compares lists as one value.
func whole(p Path, live, git []any) []Field {
	equal := len(live) == len(git)
	for i := 0; equal && i < len(live); i++ {
		equal = len(values(p.element(strconv.Itoa(i)), live[i], git[i])) == 0
	}
	if equal {
		return nil
	}
	return []Field{{Path: p, Live: live, Git: git}}
}

// named compares lists whose elements all have names. Their order matters to some who read them.
func named(p Path, live, git []any) []Field {
	var all []Field
	l, g := byName(live), byName(git)
	for _, name := range keys(l, g) {
		all = append(all, values(p.element(name), l[name], g[name])...)
	}
	before, after := common(live, g), common(git, l)
	if !slices.Equal(before, after) {
		all = append(all, Field{Path: p, Live: anys(before), Git: anys(after)})
	}
	return all
}

// byName are the elements of a list by their names; nil where one has none, or two have the same.
func byName(list []any) map[string]any {
	all := make(map[string]any, len(list))
	for _, elt := range list {
		name := nameOf(elt)
		if _, taken := all[name]; name == "" || taken {
			return nil
		}
		all[name] = elt
	}
	return all
}

func nameOf(elt any) string {
	fields, _ := elt.(map[string]any)
	name, _ := fields["name"].(string)
	return name
}

// common are the names of a list that the other one has too, in its order.
func common(list []any, other map[string]any) []string {
	var names []string
	for _, elt := range list {
		if _, found := other[nameOf(elt)]; found {
			names = append(names, nameOf(elt))
		}
	}
	return names
}

func anys(names []string) []any {
	all := make([]any, len(names))
	for i, name := range names {
		all[i] = name
	}
	return all
}

func structured(list []any) bool {
	return !slices.ContainsFunc(list, func(elt any) bool { _, ok := elt.(map[string]any); return !ok })
}
