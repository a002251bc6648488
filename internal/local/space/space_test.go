package space

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// recorded are matrices and what Polyaxon made of them; testdata/generate.py asks it.
type recorded struct {
	Versions map[string]string
	Cases    []struct {
		Matrix map[string]any
		Points []map[string]any
	}
}

func readRecorded(t testing.TB) recorded {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "points.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all recorded
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	for i := range all.Cases {
		c := &all.Cases[i]
		c.Matrix = typed(c.Matrix).(map[string]any)
		for k, point := range c.Points {
			c.Points[k] = typed(point).(map[string]any)
		}
	}
	return all
}

// typed has int64 and float64 where JSON has numbers: those with a point or an exponent are floats.
func typed(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // infinite where it is too large
		return f
	case []any:
		for i, element := range v {
			v[i] = typed(element)
		}
	case map[string]any:
		for name, field := range v {
			v[name] = typed(field)
		}
	}
	return value
}

// same compares to the last bit, but for kinds whose last bit depends on the processor that numpy ran on: those may be neighbours,
// and a geomspace is the power of a logarithm that may be one.
func same(kind string, got, want any) bool {
	const precision = 1e-15
	g, _ := got.(float64)
	w, _ := want.(float64)
	switch kind {
	case "logspace", "loguniform":
		return g == w || g == math.Nextafter(w, math.Inf(1)) || g == math.Nextafter(w, 0)
	case "geomspace":
		return math.Abs(g-w) <= precision*math.Abs(w)
	}
	return got == want
}

func TestPointsOfPolyaxon(t *testing.T) {
	all := readRecorded(t)
	if len(all.Cases) < 300 || all.Versions["polyaxon"] == "" {
		t.Fatalf("only %d cases of %v", len(all.Cases), all.Versions)
	}
	for _, c := range all.Cases {
		got, err := Points(c.Matrix)
		if err != nil || len(got) != len(c.Points) {
			t.Errorf("%v: got %d points, want %d; %v", c.Matrix, len(got), len(c.Points), err)
			continue
		}
		for i, point := range got {
			if wrong := differs(c.Matrix, point, c.Points[i]); wrong != "" {
				t.Errorf("%v, point %d, %s: got %#v, want %#v", c.Matrix, i, wrong, point[wrong], c.Points[i][wrong])
			}
		}
	}
}

// differs names a parameter that is not the one wanted.
func differs(matrix, got, want map[string]any) string {
	for name := range want {
		if value, found := got[name]; !found || !same(kindIn(matrix, name), value, want[name]) {
			return name
		}
	}
	for name := range got {
		if _, found := want[name]; !found {
			return name
		}
	}
	return ""
}

func kindIn(matrix map[string]any, name string) string {
	params, _ := matrix["params"].(map[string]any)
	param, _ := params[name].(map[string]any)
	kind, _ := param["kind"].(string)
	return kind
}
