package schema

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestCatalogBytes: all that the repositories of the tests say is read as it was written.
func TestCatalogBytes(t *testing.T) {
	t.Parallel()
	models := 0
	for _, pattern := range []string{"testdata/load/*.txtar", "testdata/broken/*.txtar", "../render/testdata/*/*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no repositories, %v", pattern, err)
		}
		for _, name := range names {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Load(context.Background(), archiveTree(a, "want"))
			if err != nil {
				t.Fatal(err)
			}
			models += len(c.Models)
			sameRead(t, name, c)
		}
	}
	if models == 0 {
		t.Error("there was no model")
	}
}

// sameRead has a catalog written and read.
func sameRead(t *testing.T, name string, c Catalog) {
	t.Helper()
	data, err := c.MarshalBinary()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	var read Catalog
	if err := read.UnmarshalBinary(data); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	places := cmp.Comparer(func(a, b Places) bool { return a.around == b.around && a.Equal(b) })
	if diff := cmp.Diff(c, read, places); diff != "" {
		t.Errorf("%s (-written +read):\n%s", name, diff)
	}
	for i := range c.Models {
		c.Models[i].Places, read.Models[i].Places = Places{}, Places{}
	}
	if !reflect.DeepEqual(c, read) { // as those compare who look for what changed
		t.Errorf("%s: not deeply equal", name)
	}
}

// TestCatalogBytesOdd: what is empty stays so, and numbers keep their kind.
func TestCatalogBytesOdd(t *testing.T) {
	t.Parallel()
	load := func(extra string) Catalog {
		c, err := Load(context.Background(), testTree{fstest.MapFS{"models.cue": {Mode: 0o644, Data: []byte(`package models
import "list"
models: [_]: train: timeout: "1h"
models: {for n in list.Range(0, 3, 1) {"a\(n)": _A}}
models: b: _A & {select: #gate: {loss: <1, accuracy: >=0.5 & <=1}}
_A: {
	labels: {}
	train: {
		image: "registry.example/a:1", command: ["run", "{{ x }}"], artifact: "m"
		params: {yes: true, whole: 10, big: 9007199254740993, part: 0.5, text: ""}
		search: {grid: {}, matrix: x: choice: [1, 2.5, "three", true]}
		resources: {limits: {}}
		polyaxon: ` + extra + `
	}
	select: {metric: "loss", goal: "minimize", then: []}
}
`)}}})
		if err != nil || len(c.Models) != 4 {
			t.Fatalf("%d models, %v, %v", len(c.Models), err, c.Findings)
		}
		return c
	}
	sameRead(t, "empty", load(`{}`))
	sameRead(t, "nested", load(`{component: {run: {list: [], struct: {}, html: "<&>", deep: [[], {}, [1, 2.5, 1e30, false]]}}}`))
	for _, wrong := range []string{"", "x", "\x00\x00\x00"} {
		if new(Catalog).UnmarshalBinary([]byte(wrong)) == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}
