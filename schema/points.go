package schema

import "math"

// Points is how many values the dimension has; math.MaxInt32 for a distribution or where there are more.
func (d Dimension) Points() int {
	k := kindOf(d.Kind)
	if k.distribution && d.Kind != "pchoice" {
		return math.MaxInt32
	}
	if len(k.fields) == 0 {
		values, _ := d.Value.([]any)
		return len(values)
	}
	v, wrong := k.numbers(d.Value)
	switch {
	case wrong != "" || len(v) < k.needed() || d.Kind == "range" && v[2] == 0:
		return 0
	case d.Kind == "range":
		return wholePoints(math.Ceil((v[1] - v[0]) / v[2])) // stop is not part of it
	}
	return wholePoints(v[2])
}

func wholePoints(points float64) int {
	switch {
	case !(points > 0): // NaN too
		return 0
	case points >= math.MaxInt32:
		return math.MaxInt32
	}
	return int(points)
}

// Points is how many points the matrix or the mapping has; math.MaxInt32 where one dimension is a distribution, or where there are
// more.
func (s Search) Points() int {
	if s.Kind == Mapping {
		return len(s.Mapping)
	}
	points := 1
	for _, d := range s.Matrix {
		n := d.Points()
		if n != 0 && points > math.MaxInt32/n {
			points = math.MaxInt32 // of which a dimension that holds nothing leaves nothing
			continue
		}
		points *= n
	}
	return points
}
