package space

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// choice is a list of values. A grid walks them as they are written; samples are of a common kind.
func choice(value any) (dimension, error) {
	values, _ := value.([]any)
	if err := listed(values); err != nil {
		return dimension{}, err
	}
	return dimension{values: values, size: len(values), draw: oneOf(common(values))}, nil
}

// pchoice is a list of values with their probabilities.
func pchoice(value any) (dimension, error) {
	pairs, _ := value.([]any)
	var values []any
	var shares []float64
	total := 0.0
	for _, p := range pairs {
		pair, _ := p.([]any)
		if len(pair) != 2 {
			return dimension{}, fmt.Errorf("%v is not a value with its probability: write [value, probability]", p)
		}
		share, err := number(pair[1])
		if err != nil || share < 0 || share > 1 {
			return dimension{}, fmt.Errorf("the probability of %v is %v: give a number from 0 to 1", pair[0], pair[1])
		}
		values, shares, total = append(values, pair[0]), append(shares, share), total+share
	}
	if err := listed(values); err != nil {
		return dimension{}, err
	}
	const precision = 1e-6
	if math.Abs(total-1) > precision {
		return dimension{}, fmt.Errorf("the probabilities add up to %v, not 1", total)
	}
	return dimension{size: len(values), draw: func(r *randomState) any { return values[r.outcome(shares)] }}, nil
}

// listed refuses lists that no value can be taken from.
func listed(values []any) error {
	if len(values) == 0 || len(values) > maxPoints {
		return fmt.Errorf("it lists %d values: give a list of 1 to %d", len(values), maxPoints)
	}
	for _, v := range values {
		if err := scalar(v); err != nil {
			return err
		}
	}
	return nil
}

// common are the values as numpy's arrays hold them, where all are texts if one is, else floats if one is, else whole numbers if
// one is.
func common(values []any) []any {
	texts, floats, wholes := false, false, false
	for _, v := range values {
		switch v.(type) {
		case string:
			texts = true
		case float64:
			floats = true
		case int64:
			wholes = true
		}
	}
	list := make([]any, len(values))
	for i, v := range values {
		switch {
		case texts:
			list[i] = pythonText(v)
		case floats:
			list[i] = float(v)
		case wholes:
			list[i] = int64(float(v))
			if whole, ok := v.(int64); ok {
				list[i] = whole
			}
		default:
			list[i] = v
		}
	}
	return list
}

// float is a number, or 1 for true.
func float(value any) float64 {
	switch v := value.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case bool:
		if v {
			return 1
		}
	}
	return 0
}

// pythonText is str(value) of Python.
func pythonText(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		size := math.Abs(v)
		if size != 0 && (size < 1e-4 || size >= 1e16) {
			return strconv.FormatFloat(v, 'e', -1, 64)
		}
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	return fmt.Sprint(value)
}
