package schema

import "encoding/json"

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

// GobEncode writes JSON: gob forgets which lists are empty, and knows no null.
func (x Extra) GobEncode() ([]byte, error) { return json.Marshal(map[string]any(x)) }

// GobDecode reads what GobEncode wrote.
func (x *Extra) GobDecode(data []byte) error { return x.UnmarshalJSON(data) }

// Places knows where the fields of a model were written. The zero value knows of none.
type Places struct {
	own    *places
	shared *places // of what is written of all models at once
	around Position
}

// model is where the fields of a model are.
func (p *places) model(name string) Places {
	return Places{p.find("models", name), p.find("models", everyModel), p.at("models", name)}
}

// At is where the field was written that has the path below the model, by itself or for all models, or the nearest one around it.
func (p Places) At(path ...string) Position {
	at, depth := p.own.nearest(path)
	if p.own == nil {
		at = p.around
	}
	if all, deeper := p.shared.nearest(path); deeper > depth {
		return all
	}
	return at
}

// Written is where exactly that field was written; false where it was not.
func (p Places) Written(path ...string) (Position, bool) {
	at := p.own.find(path...)
	if at == nil {
		return Position{}, false
	}
	return at.Pos, true
}

// Equal reports whether both know the same places.
func (p Places) Equal(q Places) bool { return p.own.same(q.own) && p.shared.same(q.shared) }
