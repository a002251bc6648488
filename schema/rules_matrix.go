package schema

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Names are the parameters that the search varies, sorted.
func (s Search) Names() []string {
	var names []string
	for _, d := range s.Matrix {
		names = append(names, d.Name)
	}
	if s.Kind == Mapping && len(s.Mapping) > 0 {
		for _, p := range s.Mapping[0] {
			names = append(names, p.Name)
		}
	}
	return names
}

// matrix checks the points of a mapping and the ranges of the others.
func (l *loader) matrix(s Search) {
	seen := map[string]int{}
	for i, point := range s.Mapping {
		if i > 0 && !slices.EqualFunc(point, s.Mapping[0], func(a, b Param) bool { return a.Name == b.Name }) {
			l.report(codeMapping, "each point gives a value to each of "+quote(s.Names()),
				[]string{"train", "search", "mapping", strconv.Itoa(i)}, "point %d has other parameters than the first", i+1)
		}
		key := fmt.Sprintf("%#v", point)
		if first, again := seen[key]; again {
			l.warn(codePoint, "take one of them out", []string{"train", "search", "mapping", strconv.Itoa(i)}, "point %d is point %d again", i+1, first+1)
			continue
		}
		seen[key] = i
	}
	if s.Kind != Mapping && len(s.Matrix) == 0 {
		l.report(codeMatrix, `write what is searched, such as matrix: lr: uniform: "0.01:0.1"`, []string{"train", "search", "matrix"}, "the matrix is empty: there is nothing to search")
	}
	for _, d := range s.Matrix {
		k := kindOf(d.Kind)
		at := []string{"train", "search", "matrix", d.Name, d.Kind}
		if s.Kind == Grid && k.distribution {
			l.report(codeGrid, "use linspace, range or choice, or search at random", at, "%s is a distribution, which no grid can walk", d.Kind)
		}
		if wrong := k.check(d.Value); wrong != "" {
			l.report(codeMatrix, "it is "+k.form(), at, "%s of %s: %s", d.Kind, d.Name, wrong)
		}
	}
}

// kind is one of Polyaxon's ways to write a range: the names of its numbers, and what is wrong with them.
type kind struct {
	fields       []string
	distribution bool
	wrong        func(v []float64) string
}

// kindOf knows all kinds that the definitions let through.
func kindOf(name string) kind {
	switch name {
	case "pchoice":
		return kind{distribution: true}
	case "range":
		return kind{fields: []string{"start", "stop", "step"}, wrong: wrongRange}
	case "linspace":
		return kind{fields: []string{"start", "stop", "num"}, wrong: wrongCount}
	case "logspace":
		return kind{fields: []string{"start", "stop", "num", "base"}, wrong: wrongCount}
	case "geomspace":
		return kind{fields: []string{"start", "stop", "num"}, wrong: wrongRatio}
	case "uniform", "loguniform":
		return kind{[]string{"low", "high"}, true, wrongEnds}
	case "quniform", "qloguniform":
		return kind{[]string{"low", "high", "q"}, true, wrongEnds}
	case "normal", "lognormal":
		return kind{[]string{"loc", "scale"}, true, wrongScale}
	case "qnormal", "qlognormal":
		return kind{[]string{"loc", "scale", "q"}, true, wrongScale}
	}
	return kind{} // choice: any list
}

// form is how the range is written as text.
func (k kind) form() string {
	switch {
	case len(k.fields) == 0 && k.distribution:
		return "a list of [value, probability], each value once"
	case len(k.fields) == 0:
		return "a list of values, each once"
	}
	return strconv.Quote(strings.Join(k.fields[:k.needed()], ":"))
}

// forms are all ways to write the range; otherwise where it is no range of numbers.
func (k kind) forms(otherwise string) string {
	if len(k.fields) == 0 {
		return otherwise
	}
	list := strings.Join(k.fields[:k.needed()], ", ")
	return fmt.Sprintf("%s, [%s] or {%s}", k.form(), list, list)
}

// needed is how many numbers there have to be: logspace's base may be left out.
func (k kind) needed() int { return min(len(k.fields), 3) }

// check says what is wrong with a range; "" for nothing.
func (k kind) check(value any) string {
	if k.wrong == nil {
		if k.distribution {
			return cmp.Or(wrongShares(value), wrongValues(value, true))
		}
		return wrongValues(value, false)
	}
	numbers, wrong := k.numbers(value)
	if wrong != "" {
		return wrong
	}
	if len(numbers) < k.needed() || len(numbers) > len(k.fields) {
		return fmt.Sprintf("it has %d numbers", len(numbers))
	}
	return k.wrong(numbers)
}

// numbers reads the three ways to write a range.
func (k kind) numbers(value any) ([]float64, string) {
	var texts []string
	switch v := value.(type) {
	case string:
		texts = strings.Split(v, ":")
	case []any:
		for _, elt := range v {
			texts = append(texts, fmt.Sprint(elt))
		}
	case map[string]any:
		for _, name := range k.fields {
			if elt, ok := v[name]; ok {
				texts = append(texts, fmt.Sprint(elt))
			}
		}
	}
	var numbers []float64
	for _, t := range texts {
		f, err := strconv.ParseFloat(strings.TrimSpace(t), 64)
		if err != nil || !finite(f) {
			return nil, fmt.Sprintf("%q is not a number", t)
		}
		numbers = append(numbers, f)
	}
	return numbers, ""
}

func wrongRange(v []float64) string {
	switch {
	case v[2] == 0:
		return "its step is 0"
	case (v[1]-v[0])/v[2] <= 0:
		return "its stop is not beyond its start, so it holds nothing"
	}
	return ""
}

func wrongCount(v []float64) string {
	if v[2] < 1 || v[2] != math.Trunc(v[2]) {
		return "num is not a whole number above 0"
	}
	return ""
}

func wrongRatio(v []float64) string {
	if v[0]*v[1] <= 0 {
		return "its ends need the same sign, and neither may be 0"
	}
	return wrongCount(v)
}

func wrongEnds(v []float64) string {
	if v[0] >= v[1] {
		return "low is not below high"
	}
	return wrongStep(v)
}

func wrongScale(v []float64) string {
	if v[1] <= 0 {
		return "scale is not above 0"
	}
	return wrongStep(v)
}

func wrongStep(v []float64) string {
	if len(v) > 2 && v[2] <= 0 {
		return "q is not above 0"
	}
	return ""
}

// wrongValues finds a value that is listed twice: Polyaxon's random search looks for ever for a point that differs.
func wrongValues(value any, pairs bool) string {
	list, _ := value.([]any)
	seen := map[string]bool{}
	for _, v := range list {
		if pair, ok := v.([]any); ok && pairs && len(pair) > 0 {
			v = pair[0]
		}
		text := fmt.Sprintf("%T %v", v, v)
		if seen[text] {
			return fmt.Sprintf("%v is there twice", v)
		}
		seen[text] = true
	}
	return ""
}

// wrongShares checks the probabilities of a pchoice.
func wrongShares(value any) string {
	const precision = 1e-6
	pairs, _ := value.([]any)
	sum := 0.0
	for _, p := range pairs {
		pair, _ := p.([]any)
		if len(pair) != 2 {
			return "an element is not a pair"
		}
		share, err := strconv.ParseFloat(fmt.Sprint(pair[1]), 64)
		if err != nil || share < 0 || share > 1 {
			return fmt.Sprintf("%v is not a probability", pair[1])
		}
		sum += share
	}
	if math.Abs(sum-1) > precision {
		return fmt.Sprintf("the probabilities add up to %v, not 1", sum)
	}
	return ""
}
