package space_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trefoil-gitops/trefoil/internal/local/space"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// rendered is the matrix of the operation that Polyaxon would get.
func rendered(m schema.Model) map[string]any {
	return render.NewSearch(m, render.Settings{}, "").Body["matrix"].(map[string]any)
}

var numbers = rapid.Float64Range(-20, 20)

// written is one of the three ways to write the numbers of a range.
func written(t *rapid.T, fields string, v ...float64) any {
	names := strings.Split(fields, ":")
	var texts []string
	var list []any
	named := map[string]any{}
	for i, f := range v {
		texts, list = append(texts, fmt.Sprint(f)), append(list, f)
		named[names[i]] = f
	}
	return rapid.SampledFrom([]any{strings.Join(texts, ":"), list, named}).Draw(t, "form")
}

// discrete is a dimension whose values all differ.
func discrete(t *rapid.T, name string) schema.Dimension {
	kind := rapid.SampledFrom([]string{"choice", "range", "linspace", "logspace", "geomspace"}).Draw(t, "kind")
	start, width := numbers.Draw(t, "start"), rapid.Float64Range(0.5, 20).Draw(t, "width")
	num := float64(rapid.IntRange(1, 6).Draw(t, "num"))
	d := schema.Dimension{Name: name, Kind: kind}
	switch kind {
	case "choice":
		list := rapid.SliceOfNDistinct(rapid.Int64Range(-9, 9), 1, 6, rapid.ID).Draw(t, "values")
		values := make([]any, len(list))
		for i, v := range list {
			values[i] = v
		}
		d.Value = values
	case "range":
		d.Value = written(t, "start:stop:step", start, start+width, width/num)
	case "geomspace":
		d.Value = written(t, "start:stop:num", width, 3*width, num)
	default:
		d.Value = written(t, "start:stop:num", start, start+width, num)
	}
	return d
}

// dimensionsOf are up to four, sorted by name.
func dimensionsOf(t *rapid.T, draw func(t *rapid.T, name string) schema.Dimension) []schema.Dimension {
	return rapid.Custom(func(t *rapid.T) []schema.Dimension {
		var all []schema.Dimension
		for _, name := range []string{"a", "b", "c", "d"}[:rapid.IntRange(1, 4).Draw(t, "params")] {
			all = append(all, draw(t, name))
		}
		return all
	}).Draw(t, "matrix")
}

// TestCounts: discrete searches start as many experiments as the plan says, and all of them differ.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := schema.Model{Name: "m", Train: schema.Train{Search: schema.Search{
			Kind:        rapid.SampledFrom([]schema.SearchKind{schema.Random, schema.Grid}).Draw(t, "search"),
			Experiments: rapid.IntRange(1, 50).Draw(t, "experiments"),
			Seed:        rapid.Int64().Draw(t, "seed"),
			Matrix:      dimensionsOf(t, discrete),
		}}}
		if m.Train.Search.Kind == schema.Grid && rapid.Bool().Draw(t, "all") {
			m.Train.Search.Experiments = 0
		}
		points, err := space.Points(rendered(m))
		if err != nil {
			t.Fatal(err)
		}
		if want := render.Experiments(m); len(points) != want {
			t.Fatalf("got %d points, want %d", len(points), want)
		}
		seen := map[string]bool{}
		for _, point := range points {
			key := fmt.Sprint(point)
			if seen[key] {
				t.Fatalf("%v is there twice", point)
			}
			seen[key] = true
		}
	})
}

// TestBounds: samples of uniform kinds are between their ends, quantised ones are multiples of q, and all are those of the seed.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"uniform", "quniform", "loguniform", "qloguniform", "normal", "qlognormal"}).Draw(t, "kind")
		low, width := numbers.Draw(t, "low"), rapid.Float64Range(0.5, 20).Draw(t, "width")
		q := rapid.Float64Range(1e-6, 1e-3).Draw(t, "q")
		value := written(t, "low:high", low, low+width)
		switch kind {
		case "normal":
			value = written(t, "loc:scale", low, width)
		case "qlognormal":
			value = written(t, "loc:scale:q", math.Abs(low), width, q)
		case "quniform", "qloguniform":
			low = math.Abs(low)
			value = written(t, "low:high:q", low, low+width, q)
		}
		m := schema.Model{Name: "m", Train: schema.Train{Search: schema.Search{Kind: schema.Random, Experiments: 20,
			Seed: rapid.Int64().Draw(t, "seed"), Matrix: []schema.Dimension{{Name: "x", Kind: kind, Value: value}}}}}
		points, err := space.Points(rendered(m))
		again, _ := space.Points(rendered(m))
		if err != nil || len(points) != render.Experiments(m) || !reflect.DeepEqual(points, again) {
			t.Fatalf("got %v and %v, %v", points, again, err)
		}
		for _, point := range points {
			if x := point["x"].(float64); !within(kind, x, low, low+width, q) {
				t.Errorf("%s %v gave %v", kind, value, x)
			}
		}
	})
}

// within says whether a sample can be one of its kind.
func within(kind string, x, low, high, q float64) bool {
	const rounding = 1e-9
	if strings.Contains(kind, "log") {
		low, high = math.Exp(low), math.Exp(high)
	}
	if strings.HasPrefix(kind, "q") {
		low -= q // they round down
		if n := x / q; math.Abs(n-math.Round(n)) > rounding*math.Max(1, math.Abs(n)) {
			return false
		}
	}
	slack := rounding * math.Max(1, math.Abs(high))
	return strings.HasSuffix(kind, "normal") || low-slack <= x && x <= high+slack
}
