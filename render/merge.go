package render

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// merge adds to a body of ours what people wrote for it. Where both say something, ours stays: Check tells of it, and freezes what
// it is about.
func merge(body, extra map[string]any) {
	union{}.structs(body, extra, nil, nil)
}

// union merges JSON values into ours. A struct is merged field by field. Of a list, an element with a name is merged with ours
// of that name, another one with ours at its place; what has no counterpart is added.
type union struct {
	// conflict is told where both say something else: the path of the value in what is merged, with indices of lists, and in
	// the object, where elements go by their names. Nil tells nobody.
	conflict func(at, path []string)
	// nameless is told of an element without a name in the place of one that has one; the path is that of the list.
	nameless func(at, path []string)
	// added is told of each field and element that has no counterpart, and of what is in it unless it says false. Nil tells nobody.
	added func(at, path []string, value any) bool
}

func (u union) structs(ours, theirs map[string]any, at, path []string) {
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		there, inner := further(at, key), further(path, key)
		if value, found := ours[key]; found {
			ours[key] = u.values(value, theirs[key], there, inner)
			continue
		}
		ours[key] = own(theirs[key])
		u.tell(theirs[key], there, inner)
	}
}

func (u union) values(ours, theirs any, at, path []string) any {
	switch value := theirs.(type) {
	case map[string]any:
		if mine, ok := ours.(map[string]any); ok {
			u.structs(mine, value, at, path)
			return mine
		}
	case []any:
		if mine, ok := ours.([]any); ok && structs(mine) && structs(value) {
			return u.lists(mine, value, at, path)
		}
	}
	if digest(own(ours)) != digest(own(theirs)) {
		u.disagree(at, path)
	}
	return ours
}

func (u union) lists(ours, theirs []any, at, path []string) []any {
	for i, elt := range theirs {
		index := strconv.Itoa(i)
		there, inner := further(at, index), further(path, cmp.Or(nameOf(elt), index))
		place := counterpart(ours, elt, i)
		switch {
		case place < 0:
			ours = append(ours, own(elt))
			u.tell(elt, there, inner)
		case nameOf(elt) == "" && nameOf(ours[place]) != "":
			if u.nameless != nil {
				u.nameless(there, path)
			}
		default:
			ours[place] = u.values(ours[place], elt, there, inner)
		}
	}
	return ours
}

// counterpart is the index of the element of ours that an element is merged with, or -1.
func counterpart(ours []any, elt any, place int) int {
	if name := nameOf(elt); name != "" {
		return slices.IndexFunc(ours, func(mine any) bool { return nameOf(mine) == name })
	}
	if place < len(ours) {
		return place
	}
	return -1
}

// structs reports whether a list holds nothing but structs: any other goes as one value.
func structs(list []any) bool {
	return !slices.ContainsFunc(list, func(elt any) bool { _, ok := elt.(map[string]any); return !ok })
}

// nameOf is the name of an element of a list; "" for none.
func nameOf(elt any) string {
	fields, _ := elt.(map[string]any)
	name, _ := fields["name"].(string)
	return name
}

func further(path []string, name string) []string { return append(slices.Clone(path), name) }

func (u union) disagree(at, path []string) {
	if u.conflict != nil {
		u.conflict(at, path)
	}
}

func (u union) tell(value any, at, path []string) {
	if u.added == nil || !u.added(at, path, value) {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			u.tell(v[key], further(at, key), further(path, key))
		}
	case []any:
		for i, elt := range v {
			index := strconv.Itoa(i)
			u.tell(elt, further(at, index), further(path, cmp.Or(nameOf(elt), index)))
		}
	}
}
