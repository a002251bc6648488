package space

import (
	"math"
	"strings"
	"testing"
)

// matrixOf is a grid or a random search over one parameter.
func matrixOf(search, kind string, value any, runs int64) map[string]any {
	m := map[string]any{"kind": search, "params": map[string]any{"x": map[string]any{"kind": kind, "value": value}}, "seed": int64(3)}
	if runs != 0 {
		m["numRuns"] = runs
	}
	return m
}

// with is the matrix with another field.
func with(m map[string]any, name string, value any) map[string]any {
	m[name] = value
	return m
}

func TestRefused(t *testing.T) {
	wide := matrixOf("grid", "linspace", "0:1:200", 0)
	wide["params"].(map[string]any)["y"] = map[string]any{"kind": "linspace", "value": "0:1:200"}
	for name, test := range map[string]struct {
		matrix map[string]any
		want   string // a word of what is said
	}{
		"nothing":                {nil, "kind"},
		"hyperband":              {map[string]any{"kind": "hyperband"}, "hyperband"},
		"no params":              {map[string]any{"kind": "grid"}, "params"},
		"unknown kind":           {matrixOf("grid", "daterange", "2020-01-01:2020-01-02:1", 0), "daterange"},
		"param of no struct":     {with(matrixOf("grid", "", "", 0), "params", map[string]any{"x": "choice"}), "kind of range"},
		"grid too wide":          {wide, "10000"},
		"grid of a distribution": {matrixOf("grid", "uniform", "0:1", 4), "distribution"},
		"grid of shares":         {matrixOf("grid", "pchoice", []any{[]any{"a", 1.0}}, 0), "distribution"},
		"numRuns 0":              {with(matrixOf("random", "uniform", "0:1", 0), "numRuns", int64(0)), "numRuns"},
		"numRuns of text":        {with(matrixOf("grid", "range", "0:1:1", 0), "numRuns", "3"), "numRuns"},
		"too many runs":          {matrixOf("random", "uniform", "0:1", 10_001), "numRuns"},
		"no runs":                {matrixOf("random", "uniform", "0:1", 0), "numRuns"},
		"seed 0":                 {with(matrixOf("random", "uniform", "0:1", 3), "seed", int64(0)), "seed"},
		"seed of 33 bits":        {with(matrixOf("random", "uniform", "0:1", 3), "seed", int64(1)<<32), "seed"},
		"no seed":                {with(matrixOf("random", "uniform", "0:1", 3), "seed", nil), "seed"},
		"two values of three":    {matrixOf("random", "quniform", "0:1", 3), "low:high:q"},
		"three values of two":    {matrixOf("random", "normal", []any{int64(0), int64(1), int64(2)}, 3), "loc:scale"},
		"field unknown":          {matrixOf("random", "normal", map[string]any{"loc": 0.0, "scale": 1.0, "z": 1.0}, 3), "loc:scale"},
		"no number":              {matrixOf("random", "normal", "0:x", 3), "scale"},
		"bool for a number":      {matrixOf("random", "normal", []any{true, 1.0}, 3), "loc"},
		"infinite end":           {matrixOf("random", "uniform", []any{0.0, math.Inf(1)}, 3), "high"},
		"infinite text":          {matrixOf("random", "uniform", "0:inf", 3), "high"},
		"samples overflow":       {matrixOf("random", "loguniform", "1000:2000", 3), "narrow"},
		"scale below 0":          {matrixOf("random", "lognormal", "0:-1", 3), "scale"},
		"q of 0":                 {matrixOf("random", "qnormal", "0:1:0", 3), "q"},
		"step of 0":              {matrixOf("grid", "range", "0:1:0", 0), "steps"},
		"range of nothing":       {matrixOf("grid", "range", "1:0:1", 0), "steps"},
		"range too long":         {matrixOf("random", "range", "0:1:0.000001", 3), "steps"},
		"num of a half":          {matrixOf("grid", "linspace", "0:1:2.5", 0), "num"},
		"num too large":          {matrixOf("grid", "linspace", "0:1:1e300", 0), "num"},
		"powers overflow":        {matrixOf("grid", "logspace", "0:1000:3", 0), "finite"},
		"ratio through 0":        {matrixOf("grid", "geomspace", "-1:1:3", 0), "sign"},
		"choice of nothing":      {matrixOf("grid", "choice", []any{}, 0), "0 values"},
		"choice of lists":        {matrixOf("grid", "choice", []any{[]any{int64(1)}}, 0), "neither"},
		"choice of null":         {matrixOf("random", "choice", []any{nil, "a"}, 1), "neither"},
		"shares of no pairs":     {matrixOf("random", "pchoice", []any{"a"}, 1), "probability"},
		"share above 1":          {matrixOf("random", "pchoice", []any{[]any{"a", 1.5}}, 1), "probability"},
		"shares below 1":         {matrixOf("random", "pchoice", []any{[]any{"a", 0.5}}, 1), "add up"},
		"share of a word":        {matrixOf("random", "pchoice", []any{[]any{"a", "b"}}, 1), "probability"},
		"shares that never come": {matrixOf("random", "pchoice", []any{[]any{"a", int64(1)}, []any{"b", int64(0)}}, 2), "only 1 points"},
		"equal when mixed":       {matrixOf("random", "choice", []any{"1", int64(1)}, 2), "only 1 points"},
		"few multiples":          {matrixOf("random", "quniform", "0:1:0.5", 3), "only 2 points"},
		"mapping of nothing":     {map[string]any{"kind": "mapping", "values": []any{}}, "0 points"},
		"mapping of texts":       {map[string]any{"kind": "mapping", "values": []any{"a"}}, "point 1"},
		"mapping of lists":       {map[string]any{"kind": "mapping", "values": []any{map[string]any{"a": []any{}}}}, "point 1"},
	} {
		points, err := Points(test.matrix)
		if err == nil || points != nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, %v, want an error with %q", name, points, err, test.want)
		}
	}
}
