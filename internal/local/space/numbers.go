package space

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// numbers reads the three ways to write the numbers of a range: "a:b:c", a list or a struct.
func numbers(value any, fields []string) ([]float64, error) {
	var written []any
	switch v := value.(type) {
	case string:
		for text := range strings.SplitSeq(v, ":") {
			written = append(written, text)
		}
	case []any:
		written = v
	case map[string]any:
		for _, name := range fields {
			if field, found := v[name]; found {
				written = append(written, field)
			}
		}
		if len(v) > len(written) {
			written = nil
		}
	}
	if len(written) != len(fields) {
		return nil, fmt.Errorf("it is %v: write %s, as text, a list or a struct", value, strings.Join(fields, ":"))
	}
	list := make([]float64, len(fields))
	for i, w := range written {
		f, err := number(w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fields[i], err)
		}
		list[i] = f
	}
	return list, nil
}

func number(value any) (float64, error) {
	switch v := value.(type) {
	case int64:
		return float64(v), nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v, nil
		}
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%v is not a finite number", value)
}

// hasBase says whether the optional fourth number of a logspace is there.
func hasBase(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Count(v, ":") > 2
	case []any:
		return len(v) > 3
	case map[string]any:
		_, found := v["base"]
		return found
	}
	return false
}
