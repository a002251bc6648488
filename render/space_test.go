package render_test

import (
	"math"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

var nan, inf = math.NaN(), math.Inf(1)

// The sizes are those that Polyaxon 2.18 made of the same values.
func TestExperiments(t *testing.T) {
	dimension := func(kind string, value any) []schema.Dimension {
		return []schema.Dimension{{Name: "x", Kind: kind, Value: value}}
	}
	two := append(dimension("choice", []any{"a", "b"}), dimension("linspace", "0:1:5")...)
	for name, test := range map[string]struct {
		search schema.Search
		want   int
	}{
		"choice":               {schema.Search{Kind: schema.Grid, Matrix: dimension("choice", []any{"a", int64(2)})}, 2},
		"linspace":             {schema.Search{Kind: schema.Grid, Matrix: dimension("linspace", "0.001:0.1:5")}, 5},
		"logspace with base":   {schema.Search{Kind: schema.Grid, Matrix: dimension("logspace", []any{int64(0), int64(3), int64(4), int64(2)})}, 4},
		"geomspace":            {schema.Search{Kind: schema.Grid, Matrix: dimension("geomspace", map[string]any{"start": int64(1), "stop": int64(1000), "num": int64(4)})}, 4},
		"range without stop":   {schema.Search{Kind: schema.Grid, Matrix: dimension("range", "1:10:3")}, 3},
		"range beyond":         {schema.Search{Kind: schema.Grid, Matrix: dimension("range", "1:11:3")}, 4},
		"range down":           {schema.Search{Kind: schema.Grid, Matrix: dimension("range", []any{int64(3), int64(0), int64(-1)})}, 3},
		"range of nothing":     {schema.Search{Kind: schema.Grid, Matrix: dimension("range", "3:1:1")}, 0},
		"range without step":   {schema.Search{Kind: schema.Grid, Matrix: dimension("range", "1:10")}, 0},
		"range, step 0":        {schema.Search{Kind: schema.Grid, Matrix: dimension("range", "1:10:0")}, 0},
		"linspace of a word":   {schema.Search{Kind: schema.Grid, Matrix: dimension("linspace", "0:1:many")}, 0},
		"product":              {schema.Search{Kind: schema.Grid, Matrix: two}, 10},
		"capped grid":          {schema.Search{Kind: schema.Grid, Experiments: 7, Matrix: two}, 7},
		"cap above the grid":   {schema.Search{Kind: schema.Grid, Experiments: 70, Matrix: two}, 10},
		"random":               {schema.Search{Kind: schema.Random, Experiments: 4, Matrix: two}, 4},
		"random, small space":  {schema.Search{Kind: schema.Random, Experiments: 40, Matrix: two}, 10},
		"random, distribution": {schema.Search{Kind: schema.Random, Experiments: 40, Matrix: append(two, dimension("uniform", "0:1")...)}, 40},
		"too many to count": {schema.Search{Kind: schema.Grid, Matrix: append(dimension("linspace", "0:1:4000000000"),
			dimension("linspace", "0:1:4000000000")...)}, math.MaxInt32},
		"mapping": {schema.Search{Kind: schema.Mapping, Mapping: make([][]schema.Param, 3)}, 3},
	} {
		if got := render.Experiments(schema.Model{Train: schema.Train{Search: test.search}}); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}

func TestCreateTimeout(t *testing.T) {
	if got := render.CreateTimeout(200); got != time.Minute {
		t.Errorf("got %v for 200", got)
	}
	if got := render.CreateTimeout(math.MaxInt32); got < time.Hour {
		t.Errorf("got %v for very many", got)
	}
}

// TestSeed renders seeds that Polyaxon would not draw by: it takes 0 for none, and fails outside of 32 bits.
func TestSeed(t *testing.T) {
	for written, want := range map[int64]int64{
		1: 1, 7: 7, math.MaxUint32: math.MaxUint32, 0: math.MaxUint32, -1: math.MaxUint32 - 1, math.MaxUint32 + 1: 1,
	} {
		m := load(t, "testdata/mnist").Model
		m.Train.Search.Seed = written
		if got := render.NewSearch(m, settings, "").Body["matrix"].(map[string]any)["seed"]; got != want {
			t.Errorf("seed %d is %v, want %d", written, got, want)
		}
		group, err := render.PolyaxonV0(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := group.Body["hptuning"].(map[string]any)["seed"]; got != want {
			t.Errorf("0.x: seed %d is %v, want %d", written, got, want)
		}
	}
	for _, written := range []int64{math.MinInt64, math.MaxInt64} {
		m := load(t, "testdata/mnist").Model
		m.Train.Search.Seed = written
		if got := render.NewSearch(m, settings, "").Body["matrix"].(map[string]any)["seed"].(int64); got < 1 || got > math.MaxUint32 {
			t.Errorf("seed %d is %d", written, got)
		}
	}
}
