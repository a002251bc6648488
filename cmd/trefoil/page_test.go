package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// block is one of a page, with what kind it says it is.
type block struct{ kind, text string }

func blocksOf(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for i, part := range strings.Split("\n"+string(text), "\n```") {
		if i%2 == 1 {
			kind, text, _ := strings.Cut(part, "\n")
			all = append(all, block{kind, text + "\n"})
		}
	}
	return all
}

// differs compares a part of an object with the object of its kind, as YAML. It is empty where that has the same in those places.
func differs(t *testing.T, part map[string]any, objects map[string]any) string {
	t.Helper()
	want, err := yaml.Marshal(inPlaceOf(part, objects[fmt.Sprint(part["kind"])]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := yaml.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	return cmp.Diff(string(want), string(got))
}

// inPlaceOf is that of a value which a part of it has the places of; elements of lists go by their names, or by their places.
func inPlaceOf(part, whole any) any {
	switch p := part.(type) {
	case map[string]any:
		w, _ := whole.(map[string]any)
		all := map[string]any{}
		for key, value := range p {
			if has, there := w[key]; there {
				all[key] = inPlaceOf(value, has)
			}
		}
		return all
	case []any:
		w, _ := whole.([]any)
		var all []any
		for i, value := range p {
			if _, named := value.(map[string]any); !named {
				return whole // of texts, all
			}
			all = append(all, inPlaceOf(value, counterpart(w, value, i)))
		}
		return all
	}
	return whole
}

// counterpart is the element of a list that has the name of another one, or its place.
func counterpart(list []any, of any, place int) any {
	fields, _ := of.(map[string]any)
	for _, element := range list {
		if mine, ok := element.(map[string]any); ok && fields["name"] != nil && mine["name"] == fields["name"] {
			return element
		}
	}
	if place < len(list) {
		return list[place]
	}
	return nil
}

// bites puts something else into each place of a block, one at a time: it has to be found.
func bites(t *testing.T, part map[string]any, objects map[string]any) {
	t.Helper()
	var each func(value any)
	each = func(value any) {
		try := func(set func(any), was any) {
			each(was)
			set("something else")
			if differs(t, part, objects) == "" {
				t.Errorf("nobody notices what stands in the place of %v", was)
			}
			set(was)
		}
		switch v := value.(type) {
		case map[string]any:
			for key, was := range v {
				try(func(to any) { v[key] = to }, was)
			}
		case []any:
			for i, was := range v {
				try(func(to any) { v[i] = to }, was)
			}
		}
	}
	each(part)
}
