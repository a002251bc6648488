//go:build e2e

package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

// supply returns the go command's options that put the file which a tool's
// module lacks into its place; none for a tool that lacks nothing.
//
// Go overlays no file beneath its module cache. It does so beneath a symbolic
// link to the module's folder there, which a replace line then has to name. The
// link's folder is always the same, because its path is part of what Go caches.
func (b builder) supply(ctx context.Context, t tool) ([]string, error) {
	if t.missing == "" {
		return nil, nil
	}
	own, dir := filepath.Join(b.tools, t.folder), filepath.Join(b.cache, t.name+".supply")
	source, err := goCommand(ctx, own, "mod", "download", "-json", t.module)
	if err != nil {
		return nil, err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(source), &module); err != nil {
		return nil, err
	}
	link := filepath.Join(dir, "src")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.Symlink(module.Dir, link); err != nil {
		return nil, err
	}
	mod, err := replaced(own, dir, "\nreplace "+t.module+" => "+link+"\n")
	if err != nil {
		return nil, err
	}
	overlay, err := json.Marshal(map[string]any{
		"Replace": map[string]string{filepath.Join(link, t.missing): filepath.Join(own, filepath.Base(t.missing))},
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "overlay.json")
	return []string{"-modfile=" + mod, "-overlay=" + file}, os.WriteFile(file, overlay, 0o644)
}

// replaced copies a module's go.mod and go.sum into dir, with more lines at the
// end of go.mod, whose path it returns.
func replaced(module, dir, more string) (string, error) {
	if err := copyFiles(filepath.Join(module, "go.*"), dir); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text = append(bytes.TrimRight(text, "\n"), more...)
	return path, os.WriteFile(path, text, 0o644)
}
