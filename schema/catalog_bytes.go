package schema

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
)

// catalogBytes is a Catalog as it is kept, with the places of all models in one tree: what they share is there once.
type catalogBytes struct {
	Catalog plainCatalog
	Places  *places
}

type plainCatalog Catalog // which gob looks into

// MarshalBinary writes the catalog so that UnmarshalBinary of the same version of this package reads an equal one.
func (c Catalog) MarshalBinary() ([]byte, error) {
	models := &places{name: "models"}
	for i, m := range c.Models {
		switch {
		case m.Places.own != nil:
			models.append(m.Places.own)
		default:
			models.Pos = m.Places.around
		}
		if i == 0 && m.Places.shared != nil {
			models.append(m.Places.shared)
		}
	}
	register()
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(catalogBytes{plainCatalog(c), &places{inner: []*places{models}}}); err != nil {
		return nil, fmt.Errorf("write a catalog: %w", err)
	}
	return data.Bytes(), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. An error says that it is something else.
func (c *Catalog) UnmarshalBinary(data []byte) error {
	register()
	kept := catalogBytes{Catalog: plainCatalog{Models: []Model{}}} // gob writes no empty list
	r := bytes.NewReader(data)
	if err := gob.NewDecoder(r).Decode(&kept); err != nil {
		return fmt.Errorf("read a catalog: %w", err)
	}
	if r.Len() > 0 || kept.Places == nil {
		return errors.New("read a catalog: it has no end")
	}
	*c = Catalog(kept.Catalog)
	for i := range c.Models {
		c.Models[i].Places = kept.Places.model(c.Models[i].Name)
	}
	return nil
}

// register tells gob what a [Dimension] may have for a value beside what it knows anyway.
func register() {
	gob.Register([]any(nil))
	gob.Register(map[string]any(nil))
}

// GobEncode writes nothing: a Catalog writes the places of its models.
func (Places) GobEncode() ([]byte, error) { return nil, nil }

// GobDecode reads nothing.
func (*Places) GobDecode([]byte) error { return nil }
