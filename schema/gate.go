package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"cuelang.org/go/cue"
)

// bounding is what messages call a definition that holds bounds; empty for another field.
func bounding(name string) string {
	switch name {
	case "#gate":
		return "the gate"
	case "#expect":
		return "the expectation"
	}
	return ""
}

// gate reads that of a model.
func gate(model string, v cue.Value, at *places) ([]Bound, []Finding) {
	return bounds(step(step(v, "select"), "#gate"), at, "models", model, "select", "#gate")
}

// expectations reads what the check of an environment expects.
func expectations(model, environment string, v cue.Value, at *places) ([]Bound, []Finding) {
	return bounds(step(step(v, "check"), "#expect"), at, "models", model, "serve", environment, "check", "#expect")
}

// bounds reads what is at a path: for each metric bounds on a number, joined by &.
func bounds(v cue.Value, at *places, path ...string) ([]Bound, []Finding) {
	var all []Bound
	var found []Finding
	for metric, v := range regular(v) {
		list, ok := conjuncts(v)
		if !ok || len(list) == 0 {
			full := append(slices.Clone(path), metric)
			found = append(found, Finding{Code: codeGate, Severity: Error, Scope: scopeOf(full), Pos: at.at(full...),
				Message: fmt.Sprintf("%s of %s is not made of bounds on a number", bounding(path[len(path)-1]), metric),
				Hint:    "write >=, >, <= or <, joined by &, such as >=0.9 & <1"})
		}
		for _, b := range tightest(list) {
			b.Metric = metric
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b Bound) int {
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Value, b.Value))
	})
	return all, found
}

// tightest leaves one bound a side, so that a gate that says a thing twice is the same gate.
func tightest(list []Bound) []Bound {
	sides := map[bool]Bound{}
	for _, b := range list {
		upper := b.Op[0] == '<'
		kept, there := sides[upper]
		tighter := cmp.Compare(b.Value, kept.Value)
		if upper {
			tighter = -tighter
		}
		if strict := len(b.Op) == 1; !there || tighter > 0 || tighter == 0 && strict {
			sides[upper] = b
		}
	}
	return slices.Collect(maps.Values(sides)) // sorted by the caller
}

// conjuncts takes a value apart into its bounds; `number` says nothing more. It is not ok where anything else is in it.
func conjuncts(v cue.Value) ([]Bound, bool) {
	v = cue.Dereference(v)
	op, args := v.Expr()
	switch op {
	case cue.AndOp:
		var all []Bound
		for _, arg := range args {
			list, ok := conjuncts(arg)
			if !ok {
				return nil, false
			}
			all = append(all, list...)
		}
		return all, true
	case cue.GreaterThanEqualOp, cue.GreaterThanOp, cue.LessThanEqualOp, cue.LessThanOp:
		limit, err := args[0].Float64()
		if err != nil {
			return nil, false
		}
		return []Bound{{Op: op.String(), Value: limit}}, true
	}
	return nil, v.IncompleteKind() == cue.NumberKind && !v.IsConcrete() && op == cue.NoOp
}
