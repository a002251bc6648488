package render

import (
	"slices"
	"strings"
)

// Leaves are the parts of a body that say something, sorted: its scalars and lists, by JSON pointers such as
// "/metadata/labels/trefoil.dev~1model". A list is one part, whatever is in it. Which object it is, is none of them: they are what
// server-side apply keeps an owner of.
func Leaves(body map[string]any) []string {
	var all []string
	for name, value := range body {
		switch name {
		case "apiVersion", "kind":
		default:
			all = leaves(all, Pointer("", name), value)
		}
	}
	all = slices.DeleteFunc(all, func(leaf string) bool { return leaf == "/metadata/name" || leaf == "/metadata/namespace" })
	slices.Sort(all)
	return all
}

func leaves(all []string, at string, value any) []string {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			all = leaves(all, Pointer(at, name), field)
		}
		return all
	case nil:
		return all
	case []any:
		if len(v) == 0 {
			return all
		}
	}
	return append(all, at)
}

// Pointer is the JSON pointer of a field of what is at another one.
func Pointer(at, field string) string {
	if strings.ContainsAny(field, "~/") {
		field = strings.NewReplacer("~", "~0", "/", "~1").Replace(field)
	}
	return at + "/" + field
}
