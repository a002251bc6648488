package schema

import (
	"context"
	"fmt"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// Evaluator judges the spec files of one revision, by path: a verdict for each unit of the survey. Evaluate is one. An error says
// that they could not be judged at all.
type Evaluator func(ctx context.Context, files map[string][]byte) (Survey, []Verdict, error)

// Evaluate is the Evaluator that runs CUE in this process. A hostile file can make it take all time and memory that there is,
// and no context ends it then: what comes from people is for internal/sandbox.
func Evaluate(ctx context.Context, files map[string][]byte) (Survey, []Verdict, error) {
	r := Read(files, func(string) {})
	var verdicts []Verdict
	for i := range r.Units {
		if err := ctx.Err(); err != nil {
			return Survey{}, nil, err
		}
		verdicts = append(verdicts, r.Judge(i))
	}
	return r.Survey, verdicts, nil
}

// judged is what CUE makes of spec files, with the places where they were written.
type judged struct {
	Verdict
	Places *places
}

// Judge judges the unit of that index by the definitions: together with Read it is all that runs CUE.
func (r *Reading) Judge(index int) Verdict {
	var parts []part
	for _, owner := range r.closed[index] {
		parts = append(parts, r.parts[owner]...)
	}
	specs := put(r.specs, parts)
	j := judged{Places: locate(specs)}
	root, found, undo := compile(r.rules, specs, j.Places)
	defer undo()
	unit := r.Units[index]
	j.add(found)
	if root.Exists() {
		j.read(root, r.shape)
	}
	if !unit.Whole {
		j.keep(unit.Scope)
	}
	j.limit(unit)
	return j.Verdict
}

// ourRules is the syntax of the definitions.
func ourRules() (*ast.File, shape) {
	f, err := parser.ParseFile(schemaFile, definitions, parser.ParseComments)
	if err != nil {
		panic(fmt.Sprintf("the definitions: %v", err)) // unreachable: they are embedded and tested
	}
	return f, newShape(f)
}

// compile builds one value out of the specs and the definitions. A reference to nothing makes CUE refuse all of the package,
// so it is reported, replaced by `_` until undo is called, and left to its model.
func compile(rules *ast.File, specs []*ast.File, at *places) (root cue.Value, found []Finding, undo func()) {
	var done patches
	patched := map[Position]bool{}
	for {
		root, err := unify(rules, specs)
		if err == nil {
			return root, found, done.undo
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
			return cue.Value{}, found, done.undo
		}
		for _, f := range specs {
			done.replace(f, patched)
		}
	}
}

// unify returns the error of the compiler; what evaluation finds is left in the value.
func unify(rules *ast.File, specs []*ast.File) (cue.Value, errors.Error) {
	instance := build.NewContext().NewInstance("", nil)
	files := append([]*ast.File{rules}, specs...)
	forget(files)
	for _, f := range files {
		if err := instance.AddSyntax(f); err != nil {
			return cue.Value{}, err
		}
	}
	if err := instance.Complete(); err != nil {
		return cue.Value{}, errors.Promote(err, "imports")
	}
	root := cuecontext.New().BuildInstance(instance)
	if selected := root.LookupPath(cue.ParsePath("selected")); selected.Exists() {
		return root, nil
	}
	if err := root.Err(); err != nil {
		return cue.Value{}, errors.Promote(err, "compile")
	}
	return cue.Value{}, errors.Newf(token.NoPos, "nothing is selected") // unreachable: the definitions have it
}
