package space

import (
	"fmt"
	"strconv"
	"strings"
)

// maxMisses is how often in a row a sample may be one that was drawn before. Even the last of 10,000 equally likely points stays
// hidden that long once in 500 million searches.
const maxMisses = 200_000

// random draws points that all differ, parameter by parameter in the order of names; a point that was drawn before is drawn again.
func random(all []dimension, runs int, r *randomState) ([]map[string]any, error) {
	discrete := true
	for _, d := range all {
		discrete = discrete && d.size > 0
	}
	if discrete {
		runs = size(all, runs)
	}
	var found []map[string]any
	seen := map[string]bool{}
	for misses := 0; len(found) < runs; misses++ {
		if misses > maxMisses {
			return nil, fmt.Errorf("%d random samples in a row were none of a new point, with only %d points that differ so far: "+
				"ask for fewer experiments, or widen the space", maxMisses, len(found))
		}
		point, key, err := draw(all, r)
		if err != nil {
			return nil, err
		}
		if !seen[key] {
			seen[key], misses = true, 0
			found = append(found, point)
		}
	}
	return found, nil
}

// draw takes one sample of each parameter. Points with the same key are the same to Python.
func draw(all []dimension, r *randomState) (map[string]any, string, error) {
	point := make(map[string]any, len(all))
	var key strings.Builder
	for _, d := range all {
		value := d.draw(r)
		if err := scalar(value); err != nil {
			return nil, "", fmt.Errorf("a sample of %s: %w; narrow its range", d.name, err)
		}
		point[d.name] = value
		key.WriteString(identity(value))
		key.WriteByte(' ')
	}
	return point, key.String(), nil
}

// identity is the same text for values that are equal in Python, where 1, 1.0 and True are.
func identity(value any) string {
	const end = 1 << 63 // of int64
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case bool:
		if v {
			return "1"
		}
		return "0"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if v >= -end && v < end && v == float64(int64(v)) {
			return strconv.FormatInt(int64(v), 10) // 0 and -0 too
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}
