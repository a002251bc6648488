package render

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// CreateTimeout is how long Polyaxon may take to create a search: it makes all experiments inside the call, up to 0.1 s each,
// and shows nothing before it is through. A shorter time-out leaves a search behind that nobody waits for.
func CreateTimeout(experiments int) time.Duration {
	return 30*time.Second + time.Duration(experiments)*150*time.Millisecond
}

// Experiments is how many experiments the search of a model starts: all points of a grid or the number asked for if that is
// less, the number asked for of a random search unless its space has fewer points, every point of a mapping. It stops
// counting at math.MaxInt32.
func Experiments(m schema.Model) int {
	s := m.Train.Search
	if s.Kind == schema.Mapping {
		return len(s.Mapping)
	}
	points := 1
	for _, d := range s.Matrix {
		points = product(points, size(d))
	}
	if s.Experiments > 0 {
		return min(s.Experiments, points)
	}
	return points
}

func product(a, b int) int {
	if a != 0 && b > math.MaxInt32/a {
		return math.MaxInt32
	}
	return a * b
}

// size is the number of points of a dimension, math.MaxInt32 for a distribution.
func size(d schema.Dimension) int {
	switch d.Kind {
	case "choice", "pchoice":
		values, _ := d.Value.([]any)
		return len(values)
	case "range":
		n := numbers(d.Value, "start", "stop", "step")
		if len(n) < 3 || n[2] == 0 {
			return 0
		}
		return count(math.Ceil((n[1] - n[0]) / n[2])) // stop is not part of it
	case "linspace", "logspace", "geomspace":
		if n := numbers(d.Value, "start", "stop", "num"); len(n) >= 3 {
			return count(n[2])
		}
		return 0
	}
	return math.MaxInt32
}

func count(points float64) int {
	switch {
	case !(points > 0): // NaN too
		return 0
	case points >= math.MaxInt32:
		return math.MaxInt32
	}
	return int(points)
}

// numbers reads a range in any of its three forms: "a:b:c", a list, or a struct with these keys.
func numbers(value any, keys ...string) []float64 {
	var items []any
	switch v := value.(type) {
	case string:
		for _, part := range strings.Split(v, ":") {
			items = append(items, part)
		}
	case []any:
		items = v
	case map[string]any:
		for _, key := range keys {
			items = append(items, v[key])
		}
	}
	list := make([]float64, len(items))
	for i, item := range items {
		list[i] = number(item)
	}
	return list
}

// number is NaN for what is none.
func number(value any) float64 {
	switch v := value.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f
		}
	}
	return math.NaN()
}
