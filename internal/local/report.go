package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Report is the file in which the process that works in a folder says what it knows.
type Report struct{ dir string }

// NewReport is that of a folder, of Options.Dir.
func NewReport(dir string) Report { return Report{dir} }

// Read returns the text; empty where there is none yet.
func (r Report) Read(context.Context) (string, error) {
	text, err := os.ReadFile(r.file())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// Write replaces the text.
func (r Report) Write(_ context.Context, text string) error { return replace(r.file(), []byte(text)) }

func (r Report) file() string { return filepath.Join(r.dir, "status.json") }
