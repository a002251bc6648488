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

// TestCatalogBytesWhole: no field of a catalog, those of later versions included, is lost on the way. What has a value of its own that
// gob forgets, such as a pointer to 0, can't be written so.
func TestCatalogBytesWhole(t *testing.T) {
	t.Parallel()
	c := reflect.New(reflect.TypeFor[Catalog]()).Elem()
	fill(t, c, "Catalog")
	sameRead(t, "filled", c.Interface().(Catalog))
}

// fill puts something into each field.
func fill(t *testing.T, v reflect.Value, at string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type == reflect.TypeFor[Places]() {
				continue // they are written otherwise
			}
			if !f.IsExported() {
				t.Fatalf("%s.%s is not exported: gob leaves it out", at, f.Name)
			}
			fill(t, v.Field(i), at+"."+f.Name)
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() != reflect.Struct {
			t.Fatalf("%s is a pointer to what gob takes for nothing where it is zero", at)
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), at)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), at+"[]")
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		inner := reflect.New(v.Type().Elem()).Elem()
		fill(t, inner, at+"[]")
		v.SetMapIndex(reflect.ValueOf("x").Convert(v.Type().Key()), inner)
	case reflect.Interface:
		v.Set(reflect.ValueOf(any([]any{int64(1), 0.5, "x", true, map[string]any{"y": "z"}})))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(0.5)
	default:
		t.Fatalf("%s is a %s", at, v.Kind())
	}
}

// FuzzCatalogBytes: bytes that are no catalog are refused, and do nothing else.
func FuzzCatalogBytes(f *testing.F) {
	c, err := Load(context.Background(), testTree{fstest.MapFS{"models.cue": {Mode: 0o644, Data: []byte("package models\nmodels: {}\n")}}})
	if err != nil {
		f.Fatal(err)
	}
	data, err := c.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Catalog
		if c.UnmarshalBinary(data) == nil {
			sameRead(t, "read", c)
		}
	})
}
