package schema

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
)

// RaiseAttempt writes package.attempt of a model one higher: where it is written for this very model, else as a line at the end of the
// file that the model is in. It returns the file's path and its content before and after. The model has to be loaded from the same
// files. The error says that the file can't be read, or that an expression stands where the number should.
//
// What another line says of the attempt, such as a template, is not looked for: then the files no longer validate.
func RaiseAttempt(files fs.FS, m Model) (file string, before, after []byte, err error) {
	at, written := m.Places.Written("package", "attempt")
	if !written {
		at = Position{File: m.Places.At().File}
	}
	if before, err = fs.ReadFile(files, at.File); err != nil {
		return "", nil, nil, fmt.Errorf("raise package.attempt: %w", err)
	}
	number, next := strconv.Itoa(m.Package.Attempt), m.Package.Attempt+1
	if !written {
		end := "\n"
		if bytes.Contains(before, []byte("\r\n")) {
			end = "\r\n"
		}
		line := fmt.Sprintf("models: %s: package: attempt: %d", label(m.Name), next)
		return at.File, before, slices.Concat(bytes.TrimRight(before, "\r\n"), []byte(end+end+line+end)), nil
	}
	from := offset(before, at)
	if !bytes.HasPrefix(before[from:], []byte(number)) {
		return "", nil, nil, fmt.Errorf("%s: attempt is not written as %s here: raise it by hand", at, number)
	}
	return at.File, before, slices.Concat(before[:from], []byte(strconv.Itoa(next)), before[from+len(number):]), nil
}

// offset is where a position is in a text, in bytes, as columns are; the end where the text is shorter.
func offset(text []byte, at Position) int {
	from := 0
	for range at.Line - 1 {
		from += bytes.IndexByte(text[from:], '\n') + 1
	}
	return min(from+at.Column-1, len(text))
}
