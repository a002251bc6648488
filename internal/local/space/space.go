// Package space expands the matrix of a Polyaxon operation into the parameters of its experiments, as Polyaxon's scheduler does,
// so that a search that runs on a laptop tries what the same search tries in the cluster.
//
// Equal to what Polyaxon 2.18 tries (hypertune 1.4 on numpy 2.4, amd64), to the last bit: all points of grids and mappings and, with
// the same seed, all samples of a random search. Three kinds may differ in the last bits, by at most 1e-15 of the value: logspace,
// geomspace and loguniform, for which numpy's own last bit depends on the processor. Here each is the same on every machine.
//
// Normal kinds take logarithms, and lognormal ones powers too, from C's library in Polyaxon. Now and then those are not the nearest
// number, as they are here, and then a last bit differs; in none of the recorded samples in testdata it does.
//
// What Polyaxon never ends on is an error here, such as a random search for more points than there are multiples of q in its range.
package space

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// maxPoints limits experiments and the values of one parameter, as the schema does.
const maxPoints = 10_000

// Points are the parameters of each experiment, by name, in the order in which Polyaxon starts them. The matrix is that of a
// rendered operation: kind random with params, numRuns and seed (1 to 2^32-1), grid with params and maybe numRuns, or mapping
// with values. Values of the points are string, bool, int64 or finite float64; no point shares memory with the matrix. The same
// matrix gives the same points, at most 10,000 of them.
//
// A random search gives numRuns points that all differ, less where its space has fewer. It is an error when the matrix has another
// form, has nothing to try or too much, or when random samples stop giving points that differ.
func Points(matrix map[string]any) ([]map[string]any, error) {
	points, err := expand(matrix)
	if err != nil {
		return nil, fmt.Errorf("matrix: %w", err)
	}
	return points, nil
}

func expand(matrix map[string]any) ([]map[string]any, error) {
	kind := matrix["kind"]
	if kind == "mapping" {
		return mapping(matrix["values"])
	}
	if kind != "random" && kind != "grid" {
		return nil, fmt.Errorf("its kind is %v: use random, grid or mapping", kind)
	}
	all, err := dimensions(matrix["params"])
	if err != nil {
		return nil, err
	}
	runs, err := limit(matrix["numRuns"])
	switch {
	case err != nil:
		return nil, err
	case kind == "grid":
		return grid(all, runs)
	case runs == 0:
		return nil, fmt.Errorf("a random search has no numRuns: say how many experiments to start")
	}
	seed, ok := matrix["seed"].(int64)
	if !ok || seed < 1 || seed > math.MaxUint32 {
		return nil, fmt.Errorf("its seed is %v: give a whole number from 1 to %d", matrix["seed"], uint32(math.MaxUint32))
	}
	return random(all, runs, newRandomState(uint32(seed)))
}

// limit reads numRuns; 0 for none.
func limit(numRuns any) (int, error) {
	if numRuns == nil {
		return 0, nil
	}
	runs, ok := numRuns.(int64)
	if !ok || runs < 1 || runs > maxPoints {
		return 0, fmt.Errorf("numRuns is %v: give a whole number from 1 to %d", numRuns, maxPoints)
	}
	return int(runs), nil
}

// mapping takes the points as they are written.
func mapping(values any) ([]map[string]any, error) {
	list, _ := values.([]any)
	if len(list) == 0 || len(list) > maxPoints {
		return nil, fmt.Errorf("a mapping has %d points: give 1 to %d", len(list), maxPoints)
	}
	points := make([]map[string]any, len(list))
	for i, value := range list {
		point, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("point %d of the mapping is %v: give a value to each parameter by name", i+1, value)
		}
		for _, name := range slices.Sorted(maps.Keys(point)) {
			if err := scalar(point[name]); err != nil {
				return nil, fmt.Errorf("point %d of the mapping: %s: %w", i+1, name, err)
			}
		}
		points[i] = maps.Clone(point)
	}
	return points, nil
}

// scalar refuses what no experiment can get as a parameter.
func scalar(value any) error {
	switch v := value.(type) {
	case string, bool, int64:
		return nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return nil
		}
	}
	return fmt.Errorf("%v is neither a text, a finite number, true nor false", value)
}
