package schema

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// judged is what CUE makes of the spec files: plain data, as a process that may be killed can hand it over.
type judged struct {
	Models   map[string]rawModel
	Selected map[string][]byte // JSON of those without an error
	Retired  map[string]string
	Places   places
	Findings []Finding
}

// rawModel is one model in JSON, as people wrote it after unification.
type rawModel struct {
	Body  []byte // all but serve; nil where an error lies in it
	Gate  []Bound
	Serve map[string][]byte // the environments without an error
}

// evaluate judges spec files by the definitions. It is the only function that runs CUE; a hostile file can make it take all
// time and memory that there is.
func evaluate(files map[string][]byte) judged {
	var specs []*ast.File
	j := judged{}
	for _, name := range sortedKeys(files) {
		f, found := guard(name, files[name])
		j.Findings = append(j.Findings, found...)
		if f != nil {
			specs = append(specs, f)
		}
	}
	j.Places = locate(specs)
	j.Findings = append(j.Findings, misspelt(j.Places)...)
	if !j.broken() && !j.Places.has("models") {
		j.Findings = append(j.Findings, noSpec())
	}
	if j.broken() {
		return j
	}
	root, found := compile(specs, files, j.Places)
	j.add(found)
	if !j.broken() {
		j.read(root)
	}
	return j
}

// broken reports whether an error is about the whole revision.
func (j judged) broken() bool { return Catalog{Findings: j.Findings}.freezes(Scope{}) }

// compile builds one value out of the specs and the definitions. A reference to nothing makes CUE refuse all of the package,
// so it is reported, replaced by `_` and left to its model.
func compile(specs []*ast.File, files map[string][]byte, at places) (cue.Value, []Finding) {
	var found []Finding
	patched := map[Position]bool{}
	for {
		root, err := unify(specs)
		if err == nil {
			return root, found
		}
		more := map[Position]bool{}
		for _, e := range errors.Errors(err) {
			f := compileFinding(e, at)
			if more[f.Pos] { // CUE tells what is in a `let` twice
				continue
			}
			if f.Scope != (Scope{}) && !patched[f.Pos] && hasIdent(specs, f.Pos) {
				patched[f.Pos], more[f.Pos] = true, true
			} else {
				f.Scope = Scope{}
			}
			found = append(found, f)
		}
		if len(more) == 0 {
			return cue.Value{}, found
		}
		specs = reparse(specs, files, patched)
	}
}

// unify returns the error of the compiler; what evaluation finds is left in the value.
func unify(specs []*ast.File) (cue.Value, errors.Error) {
	instance := build.NewContext().NewInstance("", nil)
	rules, err := parser.ParseFile(schemaFile, definitions, parser.ParseComments)
	if err != nil {
		return cue.Value{}, errors.Promote(err, "definitions")
	}
	for _, f := range append([]*ast.File{rules}, specs...) {
		if err := instance.AddSyntax(f); err != nil {
			return cue.Value{}, err
		}
	}
	if err := instance.Complete(); err != nil {
		return cue.Value{}, errors.Promote(err, "imports")
	}
	root := cuecontext.New().BuildInstance(instance)
	if models := root.LookupPath(cue.ParsePath("models")); models.Exists() {
		return root, nil
	}
	if err := root.Err(); err != nil {
		return cue.Value{}, errors.Promote(err, "compile")
	}
	return cue.Value{}, errors.Newf(token.NoPos, "there are no models") // unreachable: the definitions have some
}
