package schema

import (
	"encoding/json"
	"testing"

	"cuelang.org/go/cue/parser"
	"github.com/google/go-cmp/cmp"
)

// placed is what the rules ask places for, by path.
func placed(p *places) map[string]Position {
	all := map[string]Position{}
	for path, at := range p.walk {
		all[pathKey(path)] = at.Pos
	}
	return all
}

// TestPlacesCross: places are the same on the other side of a pipe.
func TestPlacesCross(t *testing.T) {
	t.Parallel()
	many := "package models\nmodels: {"
	for _, letter := range "abcdefghijklmnopqrstuvwxyz" {
		many += string(letter) + ": train: command: [\"x\", {y: 1}]\n"
	}
	for name, text := range map[string]string{
		"none": "package models", "many": many + "}", "twice": "package models\nmodels: a: owner: \"x\"\nmodels: a: owner: \"y\"",
	} {
		f, err := parser.ParseFile(name, text)
		if err != nil {
			t.Fatal(err)
		}
		before, after := outline(f), &places{}
		data, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(placed(before), placed(after)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
		if name == "many" && after.at("models", "z", "train", "command", "1", "y").Line == 0 {
			t.Errorf("not found: %v", placed(after))
		}
	}
}

// FuzzPlaces: whatever bytes a child says that places are, they are places or an error.
func FuzzPlaces(f *testing.F) {
	f.Add([]byte{1, 1, 'a', 1, 1, 'f', 1, 1, 0, 0, 3, 4, 0})
	f.Add([]byte{1, 1, 'a', 1, 1, 'f', 2, 2, 0, 0, 3, 4, 1})
	f.Add([]byte{1, 1, 'a', 0, 200, 200, 200, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var p places
		if p.UnmarshalBinary(data) == nil && p.count() > len(data) {
			t.Errorf("%d bytes come to %d fields", len(data), p.count())
		}
	})
}
