package review

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// bounds are the sides of a gate by metric, sorted, as CUE: ">=0.9 & <1".
func bounds(gate []schema.Bound) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := gate; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].Metric == rest[0].Metric {
				n++
			}
			var sides []string
			for _, b := range rest[:n] {
				sides = append(sides, fmt.Sprintf("%s%v", b.Op, b.Value))
			}
			if !yield(rest[0].Metric, strings.Join(sides, " & ")) {
				return
			}
			rest = rest[n:]
		}
	}
}

// loosened are the metrics of which the new gate lets pass what the old one did not.
func loosened(old, now []schema.Bound) []string {
	var all []string
	for _, b := range old {
		if !slices.ContainsFunc(now, func(n schema.Bound) bool { return implies(n, b) }) && !slices.Contains(all, b.Metric) {
			all = append(all, b.Metric)
		}
	}
	return all
}

// implies reports whether what is inside the bound a is inside b too.
func implies(a, b schema.Bound) bool {
	if a.Metric != b.Metric || a.Op[0] != b.Op[0] {
		return false
	}
	order := cmp.Compare(a.Value, b.Value)
	if a.Op[0] == '<' {
		order = -order
	}
	return order > 0 || order == 0 && (len(a.Op) == 1 || len(b.Op) == 2)
}
