package reconcile_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/trefoil-gitops/trefoil/schema"
)

// judge is schema.Load that remembers what it has judged, model by model, so that thousands of histories evaluate little CUE. Each
// model has to stand in a file of its name, and what is common in models.cue.
type judge struct {
	mu    sync.Mutex
	known map[string]schema.Catalog
	loads int
}

func newJudge() *judge { return &judge{known: map[string]schema.Catalog{}} }

// sample is how many loads there are to one that is compared with schema.Load.
const sample = 5000

// bare is a catalog whose empty lists are none: nobody can tell them apart. Places are left out: those of a part know of no other one.
func bare(c schema.Catalog) schema.Catalog {
	c.Models = slices.Clone(c.Models)
	for i := range c.Models {
		c.Models[i].Places = schema.Places{}
	}
	if len(c.Models) == 0 {
		c.Models = nil
	}
	if len(c.Findings) == 0 {
		c.Findings = nil
	}
	return c
}

func (j *judge) load(ctx context.Context, tree schema.Tree) (schema.Catalog, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, err := j.whole(ctx, tree)
	if j.loads++; err != nil || j.loads%sample != 0 {
		return c, err
	}
	want, err := schema.Load(ctx, tree)
	if err == nil && !reflect.DeepEqual(bare(c), bare(want)) {
		err = fmt.Errorf("judged by model the catalog is\n%+v\nand as a whole\n%+v", c, want)
	}
	return c, err
}

func (j *judge) whole(ctx context.Context, tree schema.Tree) (schema.Catalog, error) {
	files, err := fs.Glob(tree, "*.cue")
	if err != nil {
		return schema.Catalog{}, err
	}
	selected, err := fs.Glob(tree, "selected/*.cue")
	if err != nil {
		return schema.Catalog{}, err
	}
	names := map[string]bool{}
	for _, file := range slices.Concat(files, selected) {
		names[strings.TrimSuffix(path.Base(file), ".cue")] = true
	}
	all := schema.Catalog{Selected: map[string]schema.Selected{}}
	for name := range names {
		c, err := j.model(ctx, tree, name)
		if err != nil {
			return schema.Catalog{}, err
		}
		all.Models, all.Findings = append(all.Models, c.Models...), append(all.Findings, c.Findings...)
		for selected, s := range c.Selected {
			all.Selected[selected] = s
		}
		if name == "models" {
			all.Retired = c.Retired
		}
	}
	slices.SortFunc(all.Models, func(a, b schema.Model) int { return strings.Compare(a.Name, b.Name) })
	return all.With(nil), nil // which puts findings in order: as text line 12 would go before line 6
}

// model judges the files of one name.
func (j *judge) model(ctx context.Context, tree schema.Tree, name string) (schema.Catalog, error) {
	part := partTree{fstest.MapFS{"models.cue": {Data: []byte("package models\n\nmodels: {}\n")}}, tree}
	var key strings.Builder
	for _, file := range []string{name + ".cue", "selected/" + name + ".cue"} {
		content, err := fs.ReadFile(tree, file)
		if err == nil {
			part.MapFS[file] = &fstest.MapFile{Data: bytes.Clone(content)}
		}
		fmt.Fprintf(&key, "%s %t %q ", file, err == nil, content)
	}
	for _, folder := range []string{"serve", "serve2"} {
		part.MapFS[folder+"/Model.py"] = &fstest.MapFile{}
		sum, err := tree.Hash(folder)
		fmt.Fprintf(&key, "%s %s %v ", folder, sum, err)
	}
	if c, found := j.known[key.String()]; found {
		return c, nil
	}
	c, err := schema.Load(ctx, part)
	j.known[key.String()] = c
	return c, err
}

// partTree has some files of a tree, and the hashes of all folders.
type partTree struct {
	fstest.MapFS
	whole schema.Tree
}

func (t partTree) Hash(folder string) (string, error) { return t.whole.Hash(folder) }
