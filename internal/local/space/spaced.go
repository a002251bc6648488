package space

import (
	"fmt"
	"math"
)

// The functions below take the steps of numpy's functions of the same names, in the same order, so that they round as those do.

// arange leaves out stop, but for what rounding does.
func arange(start, stop, step float64) ([]float64, error) {
	n := math.Ceil((stop - start) / step)
	if !(n >= 1 && n <= maxPoints) {
		return nil, fmt.Errorf("from %v to %v by steps of %v are no numbers, or more than %d", start, stop, step, maxPoints)
	}
	delta := start + step - start
	list := make([]float64, int(n))
	for i := range list {
		list[i] = start + float64(float64(i)*delta)
	}
	if n > 1 {
		list[1] = start + step
	}
	return list, nil
}

// linspace has both ends; only start for num = 1.
func linspace(start, stop float64, num int) []float64 {
	parts := float64(num - 1)
	delta := stop - start
	list := make([]float64, num)
	for i := range list {
		switch step := delta / parts; {
		case num == 1:
			list[i] = start
		case step == 0: // too small for a number
			list[i] = float64(float64(i)/parts*delta) + start
		default:
			list[i] = float64(float64(i)*step) + start
		}
	}
	if num > 1 {
		list[num-1] = stop
	}
	return list
}

// logspace is base to the power of each exponent.
func logspace(start, stop float64, num int, base float64) []float64 {
	list := linspace(start, stop, num)
	for i, exponent := range list {
		list[i] = pow(base, exponent)
	}
	return list
}

// geomspace has both ends, which have the same sign.
func geomspace(start, stop float64, num int) []float64 {
	sign := math.Copysign(1, start)
	list := logspace(log10(start*sign), log10(stop*sign), num, 10)
	for i := range list {
		list[i] *= sign
	}
	list[0] = start
	if num > 1 {
		list[num-1] = stop
	}
	return list
}
