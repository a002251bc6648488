package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// maxFileSize is the limit for one spec file in bytes: parsing is linear, so this bounds what a commit can cost before it is
// looked at.
const maxFileSize = 1 << 20

// What a commit can cost at most, all specs together.
const (
	maxFiles = 20_000
	maxSpecs = 16 << 20 // in bytes
)

// mainFile is where people look first: the place of what has none.
const mainFile = "models.cue"

// selectedFolder holds the files that the daemon writes.
const selectedFolder = "selected"

// readSpecs returns the content of the spec files by path, without the repository's own trefoil.cue.
func readSpecs(tree Tree) (map[string][]byte, []Finding, error) {
	names, err := allSpecNames(tree)
	if err != nil {
		return nil, nil, err
	}
	if len(names) > maxFiles {
		return nil, []Finding{tooMany(fmt.Sprintf("more than %d files", maxFiles))}, nil
	}
	var found []Finding
	files := map[string][]byte{}
	size := 0
	for _, name := range names {
		if Printable(name) != name || !utf8.ValidString(name) { // no fs.FS opens it, or no line of a finding names it
			found = append(found, unfit(name, codeSyntax, fmt.Sprintf("the file's name %q is not plain text in UTF-8", name), "rename it"))
			continue
		}
		data, err := readCapped(tree, name)
		switch {
		case err != nil:
			return nil, nil, err
		case name == schemaFile:
			found = append(found, sameVersion(data)...)
		case len(data) > maxFileSize:
			found = append(found, unfit(name, codeTooLarge, fmt.Sprintf("the file is larger than %d KiB", maxFileSize>>10),
				"spread the models over several files of the package"))
		default:
			files[name] = data
			size += len(data)
		}
		if size > maxSpecs {
			return nil, []Finding{tooMany(fmt.Sprintf("more than %d MiB", maxSpecs>>20))}, nil
		}
	}
	if len(files) == 0 && len(found) == 0 {
		found = append(found, noSpec())
	}
	return files, found, nil
}

// unfit is the finding about a file that is not even parsed.
func unfit(name, code, message, hint string) Finding {
	return Finding{Code: code, Severity: Error, Scope: fileScope(name), Pos: Position{File: Printable(name)}, Message: message, Hint: hint}
}

func allSpecNames(tree fs.FS) ([]string, error) {
	people, err := specNames(tree, ".")
	if err != nil {
		return nil, err
	}
	daemon, err := specNames(tree, selectedFolder)
	return append(people, daemon...), err
}

// specNames lists the CUE files of a folder as CUE itself does: those that begin with a dot or an underscore don't count, and
// _tool.cue files are of `cue cmd`.
func specNames(tree fs.FS, folder string) ([]string, error) {
	entries, err := fs.ReadDir(tree, folder)
	if errors.Is(err, fs.ErrNotExist) && folder != "." {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.Type().IsRegular() && isSpec(name) {
			names = append(names, path.Join(folder, name))
		}
	}
	return names, nil
}

func isSpec(name string) bool {
	return strings.HasSuffix(name, ".cue") && !strings.HasSuffix(name, "_tool.cue") && !strings.HasSuffix(name, "_test.cue") &&
		!strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// readCapped returns at most one byte more than the limit.
func readCapped(tree fs.FS, name string) ([]byte, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	data.Grow(int(min(about.Size(), maxFileSize)) + bytes.MinRead) // else it grows many times
	_, err = data.ReadFrom(io.LimitReader(f, maxFileSize+1))
	return data.Bytes(), err
}

// sameVersion compares the repository's definitions with ours.
func sameVersion(data []byte) []Finding {
	if bytes.Equal(data, definitions) {
		return nil
	}
	return []Finding{{Code: codeVersion, Severity: Warning, Pos: Position{File: schemaFile},
		Message: "the definitions are not those of this version of Trefoil, so `cue vet` and Trefoil may disagree",
		Hint:    "`trefoil init --upgrade` renews the file"}}
}

// tooMany is the finding about specs that hold more of something than Trefoil reads.
func tooMany(what string) Finding {
	return Finding{Code: codeLimit, Severity: Error, Pos: Position{File: mainFile},
		Message: "there is " + what + " to read", Hint: "spread the models over several repositories"}
}

func noSpec() Finding {
	return Finding{Code: CodeNoSpec, Severity: Error, Pos: Position{File: mainFile},
		Message: "no file says what the models are, and an empty repository deletes nothing",
		Hint:    "write models.cue with `package models`; `models: {}` is how to say that there are none"}
}

// fileScope is what a file that can't be read is about: selected/NAME.cue a model, any other the revision.
func fileScope(name string) Scope {
	if folder, base := path.Split(name); folder == selectedFolder+"/" {
		return Scope{Model: strings.TrimSuffix(base, ".cue")}
	}
	return Scope{}
}
