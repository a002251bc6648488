package schema

import (
	"encoding/binary"
	"encoding/json"
	"errors"
)

// Places are most of what a survey is, so they cross from one process to another as bytes: the names of fields, the files, and then
// each field, after the one around it, as five numbers: its name, its file, line, column, and how many fields lie in it. Of each field
// only where it is goes along.

// MarshalBinary writes where the fields are.
func (p *places) MarshalBinary() ([]byte, error) {
	w := placesWriter{names: intern{numbers: map[string]uint64{}}, files: intern{numbers: map[string]uint64{}}}
	w.below(p)
	var head []byte
	for _, words := range [][]string{w.names.words, w.files.words} {
		head = binary.AppendUvarint(head, uint64(len(words)))
		for _, word := range words {
			head = append(binary.AppendUvarint(head, uint64(len(word))), word...)
		}
	}
	head = binary.AppendUvarint(head, uint64(w.count))
	return append(head, w.tree...), nil
}

// MarshalJSON is MarshalBinary in quotes.
func (p *places) MarshalJSON() ([]byte, error) {
	data, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return json.Marshal(data)
}

type placesWriter struct {
	names, files intern
	tree         []byte
	count        int
}

// intern numbers words in the order in which they come.
type intern struct {
	numbers map[string]uint64
	words   []string
}

func (n *intern) number(word string) uint64 {
	number, known := n.numbers[word]
	if !known {
		number = uint64(len(n.words))
		n.numbers[word], n.words = number, append(n.words, word)
	}
	return number
}

func (w *placesWriter) below(p *places) {
	w.tree = binary.AppendUvarint(w.tree, uint64(len(p.inner)))
	for _, c := range p.inner {
		w.count++
		for _, n := range []uint64{w.names.number(c.name), w.files.number(c.Pos.File), uint64(c.Pos.Line), uint64(c.Pos.Column)} {
			w.tree = binary.AppendUvarint(w.tree, n)
		}
		w.below(c)
	}
}

// UnmarshalJSON reads what MarshalJSON wrote. An error says that it is something else.
func (p *places) UnmarshalJSON(quoted []byte) error {
	var data []byte
	if err := json.Unmarshal(quoted, &data); err != nil {
		return err
	}
	return p.UnmarshalBinary(data)
}

// UnmarshalBinary reads what MarshalBinary wrote. An error says that it is something else.
func (p *places) UnmarshalBinary(data []byte) error {
	r := placesReader{data: data}
	r.names, r.files = r.words(), r.words()
	n := r.number(len(r.data)) // a field has five bytes at least
	r.fields, r.lists = make([]places, n), make([]*places, n)
	r.below(p, 0)
	if r.wrong || len(r.data) > 0 || len(r.fields) > 0 {
		return errors.New("these are no places")
	}
	return nil
}

// placesReader takes its fields out of few allocations, since there are many.
type placesReader struct {
	data         []byte
	names, files []string
	fields       []places
	lists        []*places
	wrong        bool
}

// number reads one that is at most so large.
func (r *placesReader) number(most int) int {
	n, size := binary.Uvarint(r.data)
	if size <= 0 || n > uint64(most) {
		r.wrong, r.data = true, nil
		return 0
	}
	r.data = r.data[size:]
	return int(n)
}

func (r *placesReader) words() []string {
	all := make([]string, r.number(len(r.data)))
	text := string(r.data)
	for i := range all {
		n := r.number(len(r.data))
		if n > len(r.data) {
			r.wrong = true
			return nil
		}
		from := len(text) - len(r.data)
		all[i], r.data = text[from:from+n], r.data[n:]
	}
	return all
}

func (r *placesReader) word(of []string) string {
	i := r.number(len(of))
	if i >= len(of) {
		r.wrong = true
		return ""
	}
	return of[i]
}

func (r *placesReader) below(p *places, depth int) {
	const deepest, most = 1000, 1 << 30
	n := r.number(len(r.lists))
	if n > 0 && depth > deepest {
		r.wrong = true
	}
	if r.wrong || n == 0 {
		return
	}
	p.inner, r.lists = r.lists[:n:n], r.lists[n:]
	for i := range n {
		if len(r.fields) == 0 || r.wrong {
			r.wrong = true
			return
		}
		c := &r.fields[0]
		r.fields = r.fields[1:]
		c.name = r.word(r.names)
		c.Pos = Position{File: r.word(r.files), Line: r.number(most), Column: r.number(most)}
		p.inner[i] = c
		r.below(c, depth+1)
	}
	p.index()
}
