package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"math"
	"slices"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
)

// Survey is what reading spec files comes to before any CUE is evaluated: plain data.
type Survey struct {
	Findings []Finding
	Places   *places
	Folders  []string // the source folders that the specs name, sorted
	// Units are what is to be judged, that of the revision first, then models by name; none where Findings freeze the revision.
	Units []Unit
}

// Unit is the least that CUE judges on its own: a model, with what it refers to and what all models share, so that a model that
// can't be evaluated is no other one's concern. Where the text does not tell the models apart it is all of them.
type Unit struct {
	// Scope is what the verdict is about. That of the revision is about what all models share.
	Scope Scope
	// Digest is of all the text that the verdict depends on, wherever it stands.
	Digest string
	Pos    Position
	Models int // how many models are evaluated for it
	// Whole says that it is all there is, since the text does not tell the models apart.
	Whole bool
}

// Reading is spec files that were read, and cut into units.
type Reading struct {
	Survey
	specs  []spec
	parts  map[string][]part // by owner
	closed [][]string        // the owners that each unit holds
	rules  *ast.File
	shape  shape
}

// Read reads spec files, by path. It tells the path of each before it looks into it, since a file may be made so that this never
// ends, and "" before it looks at all of them together.
func Read(files map[string][]byte, begin func(file string)) *Reading {
	r := &Reading{parts: map[string][]part{}}
	r.rules, r.shape = ourRules()
	var whole []*ast.File
	for _, name := range sortedKeys(files) {
		begin(name)
		f, found := guard(name, files[name])
		r.Findings = append(r.Findings, found...)
		if f != nil {
			r.shape.restated(f.Decls)
			r.specs = append(r.specs, spec{f, files[name], fileScope(name).Model})
			whole = append(whole, f)
		}
	}
	begin("")
	written := locator{deepest: math.MaxInt, shared: true}.files(whole)
	r.Findings = append(r.Findings, misspelt(written)...)
	r.Places, r.Folders = written, written.sources()
	if written.count() > maxFields {
		r.Places, r.Folders = nil, nil
		r.Findings = append(r.Findings, tooMany(fmt.Sprintf("more than %d fields", maxFields)))
	}
	if !r.broken() && !written.has("models") {
		r.Findings = append(r.Findings, noSpec())
	}
	if !r.broken() {
		r.cut()
	}
	if len(r.Units)-1 > maxModels { // the first one is what all share
		r.Units = nil
		r.Findings = append(r.Findings, tooMany(fmt.Sprintf("more than %d models", maxModels)))
	}
	return r
}

func (s Survey) broken() bool { return Catalog{Findings: s.Findings}.freezes(Scope{}) }

// cut decides what the units are.
func (r *Reading) cut() {
	plain := true
	for i, s := range r.specs {
		parts, ok := s.parts(i)
		plain = plain && ok
		r.take(parts)
	}
	if !plain || !r.close() {
		models := max(1, len(r.names()))
		r.parts = map[string][]part{}
		for i, s := range r.specs {
			r.take(s.whole(i))
		}
		r.closed, r.Units = [][]string{{""}}, []Unit{{Models: models, Whole: true}}
	}
	for i, owners := range r.closed {
		r.Units[i].Digest = r.digest(owners)
	}
}

func (r *Reading) take(parts []part) {
	for _, p := range parts {
		r.parts[p.owner] = append(r.parts[p.owner], p)
	}
}

// names are the models of the text, those that left it included.
func (r *Reading) names() []string {
	return slices.DeleteFunc(sortedKeys(r.parts), func(name string) bool { return name == "" })
}

// close makes a unit of each model and of what it refers to. It is not ok where units would hold so much of each other that all
// of them together cost less.
func (r *Reading) close() bool {
	names, known, refers := r.names(), map[string]bool{}, map[string][]string{}
	for _, name := range names {
		known[name] = true
	}
	for owner, parts := range r.parts {
		for _, p := range parts {
			refers[owner] = append(refers[owner], p.uses.among(known)...)
		}
	}
	shared := 0
	for _, p := range r.parts[""] {
		shared += len(r.text(p))
	}
	const most = 32 << 20
	total, budget := 0, 4*len(names)+64
	for _, owner := range append([]string{""}, names...) {
		held := closure(owner, refers)
		if total += len(held); total > budget || shared*len(names) > most {
			return false
		}
		r.closed = append(r.closed, held)
		r.Units = append(r.Units, Unit{Scope: Scope{Model: owner}, Pos: r.position(owner), Models: max(1, len(held)-1)})
	}
	return true
}

// closure is an owner, what all share, and all that they refer to.
func closure(owner string, refers map[string][]string) []string {
	held := map[string]bool{}
	for queue := []string{"", owner}; len(queue) > 0; queue = queue[1:] {
		if !held[queue[0]] {
			held[queue[0]] = true
			queue = append(queue, refers[queue[0]]...)
		}
	}
	return slices.Sorted(maps.Keys(held))
}

// position is where an owner is written for the first time.
func (r *Reading) position(owner string) Position {
	parts := r.parts[owner]
	if len(parts) == 0 {
		return Position{}
	}
	return position(parts[0].node.Pos())
}

func (r *Reading) text(p part) []byte {
	data := r.specs[p.spec].data
	start, end := p.node.Pos().Offset(), p.node.End().Offset()
	return data[min(start, len(data)):min(max(start, end), len(data))]
}

// digest is over the text of owners, but not over where it stands.
func (r *Reading) digest(owners []string) string {
	sum := sha256.New()
	var last part
	for _, owner := range owners {
		write(sum, owner)
		for _, p := range r.parts[owner] {
			f := r.specs[p.spec].file
			write(sum, f.Filename)
			for s := range f.ImportSpecs() {
				write(sum, importName(s), s.Path.Value)
			}
			write(sum, fmt.Sprint(p.elt < 0, p.spec == last.spec && p.decl == last.decl), string(r.text(p)))
			last = p
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// write writes texts so that where one ends is part of it.
func write(sum hash.Hash, texts ...string) {
	for _, t := range texts {
		fmt.Fprintf(sum, "%d:%s", len(t), t)
	}
}

// importName is what an import is called in its file.
func importName(s *ast.ImportSpec) string {
	info, err := astutil.ParseImportSpec(s)
	if err != nil {
		return ""
	}
	return info.Ident
}
