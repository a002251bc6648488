package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	cuejson "cuelang.org/go/encoding/json"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestDiffSchemaBites proves that the schema of diff refuses what diff.txtar prints, with another word in it.
func TestDiffSchemaBites(t *testing.T) {
	ours := jsonSchema(t, "../../docs/schemas/diff.json")
	archive, err := txtar.ParseFile("testdata/script/diff.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range archive.Files {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		seen++
		for _, word := range []string{`"manager"`, `"path"`, `"change"`, `"live"`, `"notes"`} {
			bad := strings.Replace(string(f.Data), word, `"x"`, 1)
			if bad != string(f.Data) && cuejson.Validate([]byte(bad), ours) == nil {
				t.Errorf("%s without a %s is taken", f.Name, word)
			}
		}
	}
	if seen < 3 {
		t.Errorf("%d outputs were seen", seen)
	}
}

// TestDiffPage: the page about diff shows what it prints.
func TestDiffPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/diff.md")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile("testdata/script/diff.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```text\n")
	sample, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the page has no sample")
	}
	if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "drift.txt" }); string(archive.Files[i].Data) != sample {
		t.Errorf("the page says\n%s\nand diff prints\n%s", sample, archive.Files[i].Data)
	}
}

// oneSearch is a seat that has one search.
type oneSearch struct {
	seat
	live map[string]any
	err  error
}

func (s oneSearch) compare(context.Context, []render.Object) []compare.Result { return nil }

func (s oneSearch) operation(context.Context, plan.Observed) (map[string]any, error) {
	return s.live, s.err
}

// TestDiffSearch compares a search by what Polyaxon keeps of it, while no release answers it.
func TestDiffSearch(t *testing.T) {
	digest := schema.Digest("v1-" + strings.Repeat("a", 64))
	m := schema.Model{Name: "mnist", Train: schema.Train{
		Image: "python:3.12", Command: []string{"python", "run.py"}, Source: schema.Source{Path: "train"},
		Search: schema.Search{Kind: schema.Random, Experiments: 3, Seed: 7, Concurrency: 2, Matrix: []schema.Dimension{{Name: "lr", Kind: "uniform", Value: "0.1:0.2"}}},
	}, Digests: schema.Digests{Search: digest}}
	d := &daemon{config: defaults()}
	live := func(change func(m *schema.Model)) map[string]any {
		other := m
		change(&other)
		return render.NewSearch(other, d.config.settings(), "an earlier commit").Body
	}
	ref := render.SearchRef(m)
	answered := schema.Selected{Last: 1, Releases: []schema.Release{{Number: 1, Answers: schema.Digests{Search: digest}}}}
	for name, test := range map[string]struct {
		objects  map[render.Ref][]plan.Observed
		selected schema.Selected
		seat     oneSearch
		want     string // the fields, with their causes
		differs  bool
		fails    bool
	}{
		"none":       {nil, schema.Selected{}, oneSearch{}, "", true, false},
		"answered":   {nil, answered, oneSearch{}, "", false, false},
		"the same":   {found(ref, digest), schema.Selected{}, oneSearch{live: live(func(*schema.Model) {})}, "", false, false},
		"another's":  {found(ref, "v1-"+digest[:0]), schema.Selected{}, oneSearch{}, "", true, false},
		"can't read": {found(ref, digest), schema.Selected{}, oneSearch{err: errors.New("down")}, "", false, true},
		"later": {found(ref, digest), schema.Selected{}, oneSearch{live: live(func(m *schema.Model) { m.Train.Search.Concurrency = 5 })},
			"later matrix.concurrency", false, false},
		"drift": {found(ref, digest), schema.Selected{}, oneSearch{live: live(func(m *schema.Model) { m.Train.Image = "python:3.11" })},
			"drift component.run.container.image", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			d.seat = test.seat
			c := d.differences(t.Context(), reconcile.Pass{
				Catalog: schema.Catalog{Models: []schema.Model{m}, Selected: map[string]schema.Selected{"mnist": test.selected}},
				Live:    plan.Live{Objects: test.objects}, Revision: "tip",
			}, choice{})
			if c.differs() != test.differs || (c.failed != nil) != test.fails {
				t.Errorf("differs %t, failed %v", c.differs(), c.failed)
			}
			var said []string
			for _, o := range c.objects {
				for _, f := range o.result.Fields {
					said = append(said, string(f.Cause)+" "+f.Path.String())
				}
			}
			if got := strings.Join(said, ", "); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func found(ref render.Ref, digest schema.Digest) map[render.Ref][]plan.Observed {
	return map[render.Ref][]plan.Observed{ref: {{Ref: ref, Model: "mnist", Digest: digest, UID: strings.Repeat("0", 32)}}}
}
