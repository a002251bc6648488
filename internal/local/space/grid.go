package space

import "fmt"

// grid walks the product of all values, the last name fastest; runs of its points, or all where that is 0.
func grid(all []dimension, runs int) ([]map[string]any, error) {
	for _, d := range all {
		if d.values == nil {
			return nil, fmt.Errorf("%s is a distribution, which no grid can walk: use choice, range or linspace, or search at random", d.name)
		}
	}
	n := size(all, maxPoints+1)
	if runs > 0 {
		n = min(n, runs)
	}
	if n > maxPoints {
		return nil, fmt.Errorf("the grid has more than %d points: take fewer values, give numRuns or search at random", maxPoints)
	}
	points := make([]map[string]any, n)
	for i := range points {
		points[i] = at(all, i)
	}
	return points, nil
}

// size is the number of points, or most if that is less.
func size(all []dimension, most int) int {
	points := 1
	for _, d := range all {
		points = min(points*d.size, most)
	}
	return points
}

// at is point i of the product.
func at(all []dimension, i int) map[string]any {
	point := make(map[string]any, len(all))
	for k := len(all) - 1; k >= 0; k-- {
		values := all[k].values
		point[all[k].name] = values[i%len(values)]
		i /= len(values)
	}
	return point
}
