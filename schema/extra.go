package schema

import "reflect"

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

// Places knows where the fields of a model were written. The zero value knows of none.
type Places struct {
	model string
	all   places
}

// At is where the field was written that has the path below the model, by itself or for all models, or the nearest one around it.
func (p Places) At(path ...string) Position {
	for ; len(path) > 0; path = path[:len(path)-1] {
		for _, model := range []string{p.model, everyModel} {
			if at, found := p.all[pathKey(append([]string{"models", model}, path...))]; found {
				return at.Pos
			}
		}
	}
	return p.all.at("models", p.model)
}

// Written is where exactly that field was written; false where it was not.
func (p Places) Written(path ...string) (Position, bool) {
	at, found := p.all[pathKey(append([]string{"models", p.model}, path...))]
	return at.Pos, found
}

// Equal reports whether both know the same places.
func (p Places) Equal(q Places) bool { return reflect.DeepEqual(p, q) }
