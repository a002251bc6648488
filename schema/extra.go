package schema

import (
	"slices"
	"strconv"
	"strings"
)

// Extra is what people add themselves to an object that Trefoil renders: strings, bools, int64, float64, []any and
// map[string]any by name. Empty adds nothing.
type Extra map[string]any

// UnmarshalJSON reads numbers as Extra holds them.
func (x *Extra) UnmarshalJSON(data []byte) error {
	var fields map[string]any
	if err := decode(data, &fields); err != nil {
		return err
	}
	*x = fields
	_, err := normalize(fields)
	return err
}

// Places are where the fields of a model were written, by their path below it with dots between: "train.image".
type Places map[string]Position

// At is where the field was written, or the nearest one around it.
func (p Places) At(path ...string) Position {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if at, found := p[strings.Join(path, ".")]; found {
			return at
		}
	}
	return p[""]
}

// written finds the places of a model for those who judge what it renders to together with an Extra.
func (l *loader) written(m Model, fields map[string]any, raw rawModel) Places {
	if !m.extended() {
		return nil
	}
	p := Places{"": l.places.at("models", l.name)}
	l.write(p, nil, fields)
	for name, data := range raw.Serve {
		var environment any
		if decode(data, &environment) == nil { // else it was reported
			l.write(p, []string{"serve", name}, environment)
		}
	}
	return p
}

func (l *loader) write(p Places, path []string, value any) {
	if at, found := l.places[pathKey(append([]string{"models", l.name}, path...))]; found && len(path) > 0 {
		p[strings.Join(path, ".")] = at.Pos
	}
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			l.write(p, append(slices.Clone(path), key), field)
		}
	case []any:
		for i, elt := range v {
			l.write(p, append(slices.Clone(path), strconv.Itoa(i)), elt)
		}
	}
}

// extended reports whether anything is added to what the model renders to.
func (m Model) extended() bool {
	return len(m.Train.Polyaxon) > 0 || m.Package != nil && len(m.Package.Argo) > 0 ||
		slices.ContainsFunc(m.Serve, func(e Environment) bool { return len(e.Seldon) > 0 })
}
