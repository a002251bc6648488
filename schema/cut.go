package schema

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
)

// spec is a file that was parsed and may be evaluated.
type spec struct {
	file  *ast.File
	data  []byte
	owner string // NAME of selected/NAME.cue; "" for what people write
}

// part is a declaration of a file, or one inside of a `models: {...}` of it: the least that is cut out.
type part struct {
	spec, decl, elt int    // where it stands, elt is -1 outside of `models`
	owner           string // the model that it is about; "" where all share it
	node            ast.Decl
	uses            references
}

func newPart(spec, decl, elt int, owner string, node ast.Decl) part {
	p := part{spec, decl, elt, owner, node, references{names: map[string]bool{}, imports: map[*ast.ImportSpec]bool{}}}
	p.uses.add(node)
	return p
}

// whole is the declarations of a file, all of them shared.
func (s spec) whole(index int) []part {
	var all []part
	for i, d := range s.file.Decls {
		if !isPrelude(d) {
			all = append(all, newPart(index, i, -1, "", d))
		}
	}
	return append(all, s.unused(index, all)...)
}

// unused are the imports that nothing in the file uses, as parts of it: an error of the revision.
func (s spec) unused(index int, parts []part) []part {
	var all []part
	for i, d := range s.file.Decls {
		imports, ok := d.(*ast.ImportDecl)
		if !ok {
			continue
		}
		rest := importing(imports, func(s *ast.ImportSpec) bool { return !uses(parts, s) })
		if len(rest.Specs) > 0 {
			all = append(all, part{spec: index, decl: i, elt: -1, node: rest})
		}
	}
	return all
}

func uses(parts []part, s *ast.ImportSpec) bool {
	return slices.ContainsFunc(parts, func(p part) bool { return p.uses.imports[s] })
}

// importing is a declaration with some of its imports.
func importing(d *ast.ImportDecl, some func(*ast.ImportSpec) bool) *ast.ImportDecl {
	imports := *d
	imports.Specs = slices.DeleteFunc(slices.Clone(d.Specs), func(s *ast.ImportSpec) bool { return !some(s) })
	return &imports
}

// parts takes a file apart. It is not ok where the text does not tell what belongs to which model, such as where their names
// are computed.
func (s spec) parts(index int) (all []part, ok bool) {
	for i, d := range s.file.Decls {
		inner, plain := modelsOf(d)
		switch {
		case isPrelude(d):
		case s.owner != "":
			all = append(all, newPart(index, i, -1, s.owner, d))
		case !plain:
			return nil, false
		case inner == nil:
			all = append(all, newPart(index, i, -1, "", d))
		default:
			for k, elt := range inner.Elts {
				name, ok := modelName(elt)
				if !ok {
					return nil, false
				}
				all = append(all, newPart(index, i, k, name, elt))
			}
		}
	}
	return append(all, s.unused(index, all)...), true
}

// isPrelude reports whether a declaration is what each part of a file needs.
func isPrelude(d ast.Decl) bool {
	switch d.(type) {
	case *ast.Package, *ast.ImportDecl, *ast.CommentGroup:
		return true
	}
	return false
}

// modelsOf is the struct of a declaration `models: {...}`, nil for one that can't be about a model. It is not plain where that
// depends on what evaluation finds.
func modelsOf(d ast.Decl) (inner *ast.StructLit, plain bool) {
	switch d := d.(type) {
	case *ast.LetClause, *ast.Attribute:
		return nil, true
	case *ast.Field:
		name, ok := plainName(d)
		if !ok || name != "models" {
			return nil, ok
		}
		inner, ok = d.Value.(*ast.StructLit)
		return inner, ok
	}
	return nil, false
}

// modelName is the model that a declaration in `models` is about, "" for what all models share.
func modelName(d ast.Decl) (name string, ok bool) {
	switch d := d.(type) {
	case *ast.LetClause, *ast.Attribute, *ast.Ellipsis, *ast.CommentGroup:
		return "", true
	case *ast.Field:
		if _, pattern := d.Label.(*ast.ListLit); pattern {
			return "", d.Alias == nil
		}
		name, ok = plainName(d)
		if strings.HasPrefix(name, "#") || strings.HasPrefix(name, "_") {
			name = ""
		}
		return name, ok
	}
	return "", false
}

// plainName is the label of a field that nothing else can refer to under another name.
func plainName(f *ast.Field) (string, bool) {
	if _, alias := f.Value.(*ast.Alias); alias || f.Alias != nil {
		return "", false
	}
	if _, alias := f.Label.(*ast.Alias); alias {
		return "", false
	}
	return fieldName(f)
}

// put makes files of parts again, each with its package and those imports that it uses, so that places stay what they are.
func put(specs []spec, parts []part) []*ast.File {
	slices.SortFunc(parts, func(a, b part) int {
		return slices.Compare([]int{a.spec, a.decl, a.elt}, []int{b.spec, b.decl, b.elt})
	})
	var files []*ast.File
	for len(parts) > 0 {
		n := slices.IndexFunc(parts, func(p part) bool { return p.spec != parts[0].spec })
		if n < 0 {
			n = len(parts)
		}
		files = append(files, putFile(specs[parts[0].spec].file, parts[:n]))
		parts = parts[n:]
	}
	return files
}

func putFile(f *ast.File, parts []part) *ast.File {
	var decls []ast.Decl
	var models *ast.StructLit
	last := -1
	for _, p := range parts {
		switch {
		case p.elt < 0:
			decls = append(decls, p.node)
		case p.decl == last:
			models.Elts = append(models.Elts, p.node)
		default:
			field := *f.Decls[p.decl].(*ast.Field)
			inner := *field.Value.(*ast.StructLit)
			inner.Elts = []ast.Decl{p.node}
			models, field.Value = &inner, &inner
			decls = append(decls, &field)
		}
		last = p.decl
	}
	return &ast.File{Filename: f.Filename, Decls: append(prelude(f, parts), decls...)}
}

// prelude is the package clause of a file and those imports that parts of it use: CUE refuses one that is not used.
func prelude(f *ast.File, parts []part) []ast.Decl {
	var decls []ast.Decl
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.Package:
			decls = append(decls, d)
		case *ast.ImportDecl:
			imports := importing(d, func(s *ast.ImportSpec) bool { return uses(parts, s) })
			if len(imports.Specs) > 0 {
				decls = append(decls, imports)
			}
		}
	}
	return decls
}
