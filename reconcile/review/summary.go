package review

import (
	"fmt"
	"maps"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Summary is one line: "Plan: 1 to rerun (10 experiments), 1 to promote, 2 unchanged". It holds no names.
func (r Review) Summary() string {
	if _, frozen := r.Head.Catalog.Frozen("", ""); frozen {
		return "Plan: nothing moves: the head does not validate as a whole"
	}
	var parts []string
	for _, word := range Words() {
		n, experiments := r.Count(word)
		switch {
		case n == 0:
		case word == Invalid:
			parts = append(parts, r.invalid())
		case word == Hold:
			parts = append(parts, fmt.Sprintf("%d held", n))
		case word == Later:
			parts = append(parts, fmt.Sprintf("%d with no effect now", n))
		case experiments > 0:
			parts = append(parts, fmt.Sprintf("%d to %s (%s)", n, word, counted(experiments, "experiment")))
		default:
			parts = append(parts, fmt.Sprintf("%d to %s", n, word))
		}
	}
	switch {
	case len(parts) > 0:
	case maps.Equal(r.Base.Catalog.Retired, r.Head.Catalog.Retired):
		parts = []string{"no change in meaning"}
	default:
		parts = []string{"no effect now"}
	}
	if r.Unchanged > 0 {
		parts = append(parts, fmt.Sprintf("%d unchanged", r.Unchanged))
	}
	return "Plan: " + strings.Join(parts, ", ")
}

// invalid is "1 invalid, 2 environments invalid": the environments are those of models that are valid but for them.
func (r Review) invalid() string {
	models, places := map[string]bool{}, map[schema.Scope]bool{}
	for _, f := range r.Findings {
		if f.Scope.Environment == "" {
			models[f.Scope.Model] = true
		}
	}
	for _, f := range r.Findings {
		if !models[f.Scope.Model] {
			places[f.Scope] = true
		}
	}
	var parts []string
	if n := len(models); n > 0 {
		parts = append(parts, fmt.Sprintf("%d invalid", n))
	}
	if n := len(places); n > 0 {
		parts = append(parts, counted(n, "environment")+" invalid")
	}
	return strings.Join(parts, ", ")
}

// Count is how many models the word is of, and how many experiments those start.
func (r Review) Count(word string) (models, experiments int) {
	for _, m := range r.Models {
		if m.Word == word {
			models++
			experiments += m.Experiments
		}
	}
	if word == Invalid {
		broken := map[string]bool{}
		for _, f := range r.Findings {
			broken[f.Scope.Model] = true
		}
		models = len(broken)
	}
	return models, experiments
}

// Experiments is how many experiments are started in all.
func (r Review) Experiments() int {
	n := 0
	for _, m := range r.Models {
		n += m.Experiments
	}
	return n
}
