package space

import "math"

// The functions of package math may be off by some last bits, by others on each architecture, and then a sample here is not the
// one of the cluster. These compute with twice the digits, so that what they return is the nearest to the truth in all but one of
// many million cases; C's libraries nearly always return that too.

// double is the sum of two numbers of which the second is below the last bit of the first. Products are converted where they are
// added to: else compilers of some architectures fuse the two, with another result.
type double struct{ high, low float64 }

// sum is exact, as long as nothing overflows.
func sum(a, b float64) double {
	s := a + b
	v := s - a
	return double{s, (a - (s - v)) + (b - v)}
}

func (a double) plus(b double) double {
	s := sum(a.high, b.high)
	return sum(s.high, s.low+a.low+b.low)
}

func (a double) times(b double) double {
	p := float64(a.high * b.high)
	rest := math.FMA(a.high, b.high, -p) + (float64(a.high*b.low) + float64(a.low*b.high))
	return sum(p, rest)
}

func (a double) over(n float64) double {
	q := a.high / n
	return sum(q, (math.FMA(-q, n, a.high)+a.low)/n)
}

// expDouble takes x in [-700, 700].
func expDouble(x double) double {
	const terms = 24 // the next is below 2^-106
	ln2 := double{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}
	k := math.Round(x.high / math.Ln2)
	r := x.plus(ln2.times(double{-k, 0}))
	term, total := double{1, 0}, double{1, 0}
	for n := 1; n <= terms; n++ {
		term = term.times(r).over(float64(n))
		total = total.plus(term)
	}
	return double{math.Ldexp(total.high, int(k)), math.Ldexp(total.low, int(k))}
}

// logDouble takes x above 0: one step of Newton's from math.Log.
func logDouble(x float64) double {
	y := math.Log(x)
	if math.Abs(y) > 700 {
		return double{y, 0}
	}
	z := expDouble(double{-y, 0}).times(double{x, 0})
	return sum(y, z.high-1+z.low)
}

func exp(x float64) float64 {
	if !(math.Abs(x) <= 700) {
		return math.Exp(x)
	}
	return expDouble(double{x, 0}).high
}

func log(x float64) float64 { return logDouble(x).high }

// log10 takes x above 0.
func log10(x float64) float64 {
	a, b := logDouble(x), logDouble(10)
	q := a.high / b.high
	rest := a.plus(b.times(double{-q, 0}))
	return q + rest.high/b.high
}

func pow(base, x float64) float64 {
	if !(base > 0) || math.IsInf(base, 0) {
		return math.Pow(base, x)
	}
	y := logDouble(base).times(double{x, 0})
	if !(math.Abs(y.high) <= 700) {
		return math.Pow(base, x)
	}
	return expDouble(y).high
}
