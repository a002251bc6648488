package render

import (
	"cmp"
	"maps"
	"slices"

	"github.com/trefoil-gitops/trefoil/schema"
)

// inputs declares every parameter of a model, sorted by name: Polyaxon ignores a value that no input declares.
func inputs(t schema.Train) []any {
	declared := map[string]map[string]any{}
	for _, p := range t.Params {
		declared[p.Name] = map[string]any{"name": p.Name, "type": typeOf(p.Value), "value": own(p.Value), "isOptional": true}
	}
	for name, kind := range searched(t.Search) {
		declared[name] = map[string]any{"name": name, "type": kind}
	}
	list := make([]any, 0, len(declared))
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		list = append(list, declared[name])
	}
	return list
}

// searched is the type of each parameter of a search space. Ranges and distributions are of floats whatever their bounds.
func searched(s schema.Search) map[string]string {
	types := map[string]string{}
	for _, d := range s.Matrix {
		types[d.Name] = "float"
		if values, _ := d.Value.([]any); d.Kind == "choice" || d.Kind == "pchoice" {
			types[d.Name] = chosen(values, d.Kind == "pchoice")
		}
	}
	for _, point := range s.Mapping {
		for _, p := range point {
			types[p.Name] = joined(types[p.Name], typeOf(p.Value))
		}
	}
	return types
}

// chosen is the type of the values of a choice, or of a pchoice: pairs of a value and its probability.
func chosen(values []any, weighed bool) string {
	kind := ""
	for _, v := range values {
		if pair, _ := v.([]any); weighed && len(pair) > 0 {
			v = pair[0]
		}
		kind = joined(kind, typeOf(v))
	}
	return cmp.Or(kind, "any")
}

// joined is the type that has the values of both; empty is no value yet.
func joined(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case a == "int" && b == "float" || a == "float" && b == "int":
		return "float"
	}
	return "any"
}

// typeOf is Polyaxon's name for the type of a value.
func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "str"
	case bool:
		return "bool"
	case int, int64:
		return "int"
	case float64:
		return "float"
	}
	return "any"
}

// outputs declares the metrics that the selection reads, sorted by name.
func outputs(s schema.Select) []any {
	metrics := map[string]bool{s.Metric: true}
	for _, b := range s.Gate {
		metrics[b.Metric] = true
	}
	for _, o := range s.Then {
		metrics[o.Metric] = true
	}
	list := make([]any, 0, len(metrics))
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		list = append(list, map[string]any{"name": name, "type": "float"})
	}
	return list
}
