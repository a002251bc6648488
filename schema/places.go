package schema

import (
	"cmp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/token"
)

// places knows where people wrote each field: a tree, as the fields are. What comes out of a template, a comprehension or a reference
// has no place of its own: then the nearest field around it is where to look. Nil has no places.
type places struct {
	place
	name   string
	inner  []*places
	byName map[string]*places // of inner, where they are many
}

// place is where a field was written for the first time.
type place struct {
	Pos Position // the value where it fits on a line, else the label
	*words
}

// words are what is known of a field only to who has read it: of places that come from another process they are nil.
type words struct {
	Label Position
	Text  string     // the value as it was written, one line; empty for structs and lists
	Again []Position // other values of the same field
	Item  bool       // an element of a list
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }

// child returns the field of that name, or nil.
func (p *places) child(name string) *places {
	if p == nil {
		return nil
	}
	if p.byName != nil {
		return p.byName[name]
	}
	i := slices.IndexFunc(p.inner, func(c *places) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return p.inner[i]
}

// insert returns the field of that name; a new one is at the place.
func (p *places) insert(name string, at place) *places {
	if c := p.child(name); c != nil {
		c.Again = append(c.Again, at.Pos)
		return c
	}
	c := &places{name: name, place: at}
	p.append(c)
	return c
}

// append adds a field that is not there yet.
func (p *places) append(c *places) {
	p.inner = append(p.inner, c)
	if p.byName != nil {
		p.byName[c.name] = c
		return
	}
	p.index()
}

// index makes fields quick to find where they are many.
func (p *places) index() {
	const many = 16
	if len(p.inner) <= many {
		return
	}
	p.byName = map[string]*places{}
	for _, c := range p.inner {
		p.byName[c.name] = c
	}
}

// find returns the field, or nil where it was not written out.
func (p *places) find(path ...string) *places {
	for _, name := range path {
		p = p.child(name)
	}
	return p
}

// get returns the place of the field; it is empty where the field was not written out.
func (p *places) get(path ...string) place {
	found := place{words: new(words)}
	if at := p.find(path...); at != nil {
		found.Pos = at.Pos
		if at.words != nil {
			found.words = at.words
		}
	}
	return found
}

// at returns the place of the field, or of the nearest one around it.
func (p *places) at(path ...string) Position {
	at, _ := p.nearest(path)
	return at
}

// nearest is at, and how many steps of the path it lies down.
func (p *places) nearest(path []string) (at Position, depth int) {
	if p != nil {
		at = p.Pos
	}
	for i, name := range path {
		if p = p.child(name); p == nil {
			return at, i
		}
		at = p.Pos
	}
	return at, len(path)
}

// has reports whether the field was written out.
func (p *places) has(path ...string) bool { return p.find(path...) != nil }

// under are the names of the fields that were written right below one, sorted.
func (p *places) under(path ...string) []string {
	var names []string
	if at := p.find(path...); at != nil {
		for _, c := range at.sorted() {
			if c.name != everyModel {
				names = append(names, c.name)
			}
		}
	}
	return names
}

// listed reports whether the field is an element of a list, or lies in one.
func (p *places) listed(path []string) bool {
	for _, name := range path {
		if p = p.child(name); p == nil {
			return false
		} else if p.words != nil && p.Item {
			return true
		}
	}
	return false
}

// count is how many fields there are.
func (p *places) count() int {
	n := len(p.inner)
	for _, c := range p.inner {
		n += c.count()
	}
	return n
}

// walk yields all fields with their paths, each after the one around it, those of a struct by name. A path is good until the next one.
func (p *places) walk(yield func(path []string, at *places) bool) { p.walkBelow(nil, yield) }

func (p *places) walkBelow(path []string, yield func([]string, *places) bool) bool {
	for _, c := range p.sorted() {
		inner := append(path, c.name)
		if !yield(inner, c) || !c.walkBelow(inner, yield) {
			return false
		}
	}
	return true
}

func (p *places) sorted() []*places {
	return slices.SortedFunc(slices.Values(p.inner), func(a, b *places) int { return cmp.Compare(a.name, b.name) })
}

// same reports whether both have the same fields at the same positions.
func (p *places) same(q *places) bool {
	if p == nil || q == nil {
		return p == q
	}
	if p.name != q.name || p.Pos != q.Pos {
		return false
	}
	mine, theirs := p.inner, q.inner
	if !slices.EqualFunc(mine, theirs, func(a, b *places) bool { return a.name == b.name }) { // else to sort them is most of the work
		mine, theirs = p.sorted(), q.sorted()
	}
	return slices.EqualFunc(mine, theirs, (*places).same)
}

// owner returns the path of the innermost field that begins at or before a position and is written in its file.
func (p *places) owner(pos Position) []string {
	best, found := Position{}, []string{""}
	for path, at := range p.walk {
		if at.Pos.File != pos.File || comparePlace(at.Pos, pos) > 0 {
			continue
		}
		if c := comparePlace(at.Pos, best); best == (Position{}) || c > 0 || c == 0 && len(pathKey(path)) > len(pathKey(found)) {
			best, found = at.Pos, slices.Clone(path)
		}
	}
	return found
}

func comparePlace(a, b Position) int {
	return slices.Compare([]int{a.Line, a.Column}, []int{b.Line, b.Column})
}

// text is an expression as people wrote it, cut where it gets long.
func text(n ast.Node) string {
	const long = 48
	b, err := format.Node(n)
	if err != nil || strings.ContainsRune(string(b), '\n') {
		return ""
	}
	if r := []rune(string(b)); len(r) > long {
		return string(r[:long]) + "..."
	}
	return string(b)
}

// position forgets what only CUE knows about a position.
func position(p token.Pos) Position {
	if !p.IsValid() {
		return Position{}
	}
	at := p.Position()
	return Position{File: at.Filename, Line: at.Line, Column: at.Column}
}
