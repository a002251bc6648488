package space

import (
	"fmt"
	"math"
	"strings"
)

// distribution is one of numbers without end. A q in front rounds down to multiples of q, as Polyaxon does whatever its
// documentation says; log is of what e to that power is drawn.
func distribution(kind string, value any) (dimension, error) {
	shape, quantized := strings.CutPrefix(kind, "q")
	shape, logarithmic := strings.CutPrefix(shape, "log")
	fields := []string{"low", "high"}
	if shape == "normal" {
		fields = []string{"loc", "scale"}
	}
	if quantized {
		fields = append(fields, "q")
	}
	v, err := numbers(value, fields)
	switch {
	case err != nil:
		return dimension{}, err
	case shape == "normal" && v[1] < 0:
		return dimension{}, fmt.Errorf("scale is %v: give a number above 0", v[1])
	case quantized && !(v[2] > 0):
		return dimension{}, fmt.Errorf("q is %v: give a number above 0", v[2])
	}
	return dimension{draw: func(r *randomState) any {
		x := sample(shape, v[0], v[1], r)
		if logarithmic {
			x = exp(x)
		}
		if quantized {
			x = floorDivide(x, v[2]) * v[2]
		}
		return x
	}}, nil
}

// sample is a uniform number from a to b, or a normal one of mean a and deviation b.
func sample(shape string, a, b float64, r *randomState) float64 {
	if shape == "normal" {
		return a + float64(b*r.normal())
	}
	return a + float64((b-a)*r.float64())
}

// floorDivide is a // b of Python for b above 0. It differs from the floor of a / b where that division rounds up to a whole number.
func floorDivide(a, b float64) float64 {
	mod := math.Mod(a, b)
	div := (a - mod) / b
	if mod < 0 {
		div--
	}
	floor := math.Floor(div)
	if div-floor > 0.5 {
		floor++
	}
	return floor
}
