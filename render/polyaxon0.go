package render

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// PolyaxonV0 is the search of a model as a `kind: group` file of Polyaxon 0.x, for those who still run one. Trefoil itself
// submits the operation of NewSearch. The file says what is searched: of Polyaxon 0.x's other sections (environment, code
// upload) it has none. The error says what that version cannot express.
func PolyaxonV0(m schema.Model) (Object, error) {
	tuning, err := hptuning(m.Train.Search)
	if err != nil {
		return Object{}, fmt.Errorf("polyaxon 0.x: model %s: %w", m.Name, err)
	}
	body := map[string]any{
		"version":  int64(1),
		"kind":     "group",
		"hptuning": tuning,
		"build":    map[string]any{"image": m.Train.Image},
		"run":      map[string]any{"cmd": command(m.Train.Command)},
	}
	if len(m.Train.Params) > 0 {
		body["declarations"] = named(m.Train.Params) // read by every 0.x, unlike params
	}
	name := m.Name + "-" + m.Digests.Search.Short()
	return Object{Ref: Ref{Kind: Search, Name: name}, Model: m.Name, Digest: m.Digests.Search, Body: body}, nil
}

func hptuning(s schema.Search) (map[string]any, error) {
	body := map[string]any{}
	switch s.Kind {
	case schema.Random:
		body["random_search"] = map[string]any{"n_experiments": int64(s.Experiments)}
		body["seed"] = seed(s.Seed)
	case schema.Grid:
		grid := map[string]any{}
		if s.Experiments > 0 {
			grid["n_experiments"] = int64(s.Experiments)
		}
		body["grid_search"] = grid
	default:
		return nil, fmt.Errorf("it has no %s search, only random and grid", s.Kind)
	}
	if s.Concurrency > 0 {
		body["concurrency"] = int64(s.Concurrency)
	}
	dimensions := map[string]any{}
	for _, d := range s.Matrix {
		kind, err := kindV0(d.Kind)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		dimensions[d.Name] = map[string]any{kind: own(d.Value)}
	}
	body["matrix"] = dimensions
	return body, nil
}

// kindV0 is what Polyaxon 0.x calls a kind of dimension.
func kindV0(kind string) (string, error) {
	switch kind {
	case "choice":
		return "values", nil
	case "pchoice":
		return "pvalues", nil
	case "daterange", "datetimerange":
		return "", fmt.Errorf("it has no %s", kind)
	}
	return kind, nil
}

var (
	templated = regexp.MustCompile(`\{\{[^}]*\}\}`)
	plain     = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)
)

// command is a command line for a shell. Templates are filled in before the shell reads it.
func command(argv []string) string {
	words := make([]string, len(argv))
	for i, arg := range argv {
		words[i] = arg
		if rest := templated.ReplaceAllString(arg, "x"); !plain.MatchString(rest) {
			words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
