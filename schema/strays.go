package schema

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
)

// misspelt finds top-level fields that look like one of ours, or like one of a model. What else stands beside `models` is people's own.
func misspelt(written *places) []Finding {
	var found []Finding
	for _, at := range written.sorted() {
		name := at.name
		if slices.Contains([]string{"package", "select", "serve", "train"}, name) {
			found = append(found, Finding{Code: codeUnknown, Severity: Warning, Pos: at.Label,
				Message: fmt.Sprintf("nobody reads %q here, outside of all models", name), Hint: "it belongs into models: NAME: {...}: is there a } too early?"})
			continue
		}
		for _, ours := range []string{"models", "retired", "selected"} {
			if d := distance(name, ours); d == 0 || d > len(ours)/4 {
				continue
			}
			found = append(found, Finding{Code: codeUnknown, Severity: Warning, Pos: at.Label,
				Message: fmt.Sprintf("nobody reads the field %q", name), Hint: fmt.Sprintf("did you mean %q?", ours)})
		}
	}
	return found
}

// strays finds specs in folders, where nobody reads them. It looks only as far as people would put them, and never into the
// source folders: those may hold anything.
func strays(tree fs.FS, sources []string) []Finding {
	const deepest, most = 3, 200
	var found []Finding
	folders := 0
	_ = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil: // only what can be read is of interest
			return fs.SkipDir
		case name == ".":
		case d.IsDir():
			folders++
			if folders > most || strings.Count(name, "/") >= deepest || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") ||
				name == selectedFolder || name == "cue.mod" || slices.Contains(sources, name) {
				return fs.SkipDir
			}
		case strings.Contains(name, "/") && d.Type().IsRegular() && isSpec(d.Name()):
			found = append(found, stray(tree, name)...)
		}
		return nil
	})
	return found
}

// stray is the finding about a file in a folder, if it says anything about models.
func stray(tree fs.FS, name string) []Finding {
	data, err := readCapped(tree, name)
	if err != nil || len(data) > maxFileSize {
		return nil
	}
	f, err := parser.ParseFile(name, data)
	if err != nil || f.PackageName() != packageName {
		return nil
	}
	written := outline(f)
	if !written.has("models") {
		return nil
	}
	return []Finding{{Code: codeUnread, Severity: Warning, Pos: written.get("models").Label,
		Message: fmt.Sprintf("nobody reads %s, since it lies in a folder", name), Hint: "move it beside " + mainFile}}
}

// folders are the folders that the specs name, those of models with errors too.
func (j judgement) folders(c Catalog) []string {
	all := slices.Clone(j.Folders)
	for _, m := range c.Models {
		all = append(all, m.Train.Source.Path)
		if m.Package != nil {
			all = append(all, m.Package.Source.Path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sources are the folders that are written out: models.NAME.train.source.path, and that of package.
func (p *places) sources() []string {
	named := map[string]bool{}
	for _, top := range p.inner {
		for _, model := range top.inner {
			for _, part := range model.inner {
				if folder, err := literal.Unquote(part.get("source", "path").Text); err == nil {
					named[path.Clean(folder)] = true
				}
			}
		}
	}
	return sortedKeys(named)
}
