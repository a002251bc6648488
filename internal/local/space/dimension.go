package space

import (
	"fmt"
	"maps"
	"slices"
)

// dimension is one parameter of the space.
type dimension struct {
	name   string
	values []any // what a grid walks; none for a distribution
	size   int   // how many values there are to draw; 0 for no end
	draw   func(r *randomState) any
}

// dimensions reads params, sorted by name: that is their order in Polyaxon too, which gets them so.
func dimensions(params any) ([]dimension, error) {
	byName, _ := params.(map[string]any)
	if len(byName) == 0 {
		return nil, fmt.Errorf("it has no params: there is nothing to search")
	}
	var all []dimension
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		param, _ := byName[name].(map[string]any)
		kind, _ := param["kind"].(string)
		d, err := newDimension(kind, param["value"])
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", kind, name, err)
		}
		d.name = name
		all = append(all, d)
	}
	return all, nil
}

func newDimension(kind string, value any) (dimension, error) {
	switch kind {
	case "choice":
		return choice(value)
	case "pchoice":
		return pchoice(value)
	case "range", "linspace", "logspace", "geomspace":
		return spaced(kind, value)
	case "uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal", "qlognormal":
		return distribution(kind, value)
	}
	return dimension{}, fmt.Errorf("%q is not a kind of range that is known here: use choice, range, linspace, uniform, normal "+
		"or another of the model's schema", kind)
}

// spaced are numbers at regular distances.
func spaced(kind string, value any) (dimension, error) {
	third := "num"
	if kind == "range" {
		third = "step"
	}
	fields := []string{"start", "stop", third}
	if kind == "logspace" && hasBase(value) {
		fields = append(fields, "base")
	}
	v, err := numbers(value, fields)
	if err != nil {
		return dimension{}, err
	}
	list, err := spacedNumbers(kind, v)
	if err != nil {
		return dimension{}, err
	}
	values := make([]any, len(list))
	for i, f := range list {
		if err := scalar(f); err != nil {
			return dimension{}, err
		}
		values[i] = f
	}
	return dimension{values: values, size: len(values), draw: oneOf(values)}, nil
}

func spacedNumbers(kind string, v []float64) ([]float64, error) {
	if kind == "range" {
		return arange(v[0], v[1], v[2])
	}
	if !(v[2] >= 1 && v[2] <= maxPoints) || v[2] != float64(int(v[2])) {
		return nil, fmt.Errorf("num is %v: give a whole number from 1 to %d", v[2], maxPoints)
	}
	start, stop, num := v[0], v[1], int(v[2])
	switch {
	case kind == "geomspace" && !(start*stop > 0):
		return nil, fmt.Errorf("its ends %v and %v need the same sign, and neither may be 0", start, stop)
	case kind == "geomspace":
		return geomspace(start, stop, num), nil
	case kind == "logspace" && len(v) > 3:
		return logspace(start, stop, num, v[3]), nil
	case kind == "logspace":
		return logspace(start, stop, num, 10), nil
	}
	return linspace(start, stop, num), nil
}

// oneOf draws each value equally often.
func oneOf(values []any) func(r *randomState) any {
	return func(r *randomState) any { return values[r.below(len(values))] }
}
