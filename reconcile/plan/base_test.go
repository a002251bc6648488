package plan_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// based is the case itself, or, where it names a base, the base with what the case changes in it: `edit` and `rename` are what
// people did, live.yaml is live beside what the base has.
func based(t *testing.T, c *txtar.Archive) *txtar.Archive {
	t.Helper()
	name := strings.TrimSpace(section(c, "base"))
	if name == "" {
		return c
	}
	base, err := txtar.ParseFile(filepath.Join("testdata", "base", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	models, newName := section(base, "models.cue"), strings.TrimSpace(section(c, "rename"))
	all := &txtar.Archive{Files: []txtar.File{
		{Name: "before.cue", Data: []byte(models)},
		{Name: "old.cue", Data: []byte(section(base, "old.cue"))},
		{Name: "rename", Data: []byte(newName)},
		{Name: "live.yaml", Data: []byte(section(base, "live.yaml") + section(c, "live.yaml"))},
	}}
	for _, f := range base.Files {
		if strings.HasPrefix(f.Name, "selected/") {
			all.Files = append(all.Files, renamed(f, newName))
		}
	}
	all.Files = append(all.Files, renamed(txtar.File{Name: "models.cue", Data: []byte(edited(t, models, section(c, "edit")))}, newName))
	return all
}

// edited carries out lines "old => new", each of which finds its old text once; in the new one \n begins a line.
func edited(t *testing.T, text, edits string) string {
	t.Helper()
	for line := range strings.Lines(edits) {
		old, now, found := strings.Cut(strings.TrimSpace(line), " =>")
		if !found || strings.Count(text, old) != 1 {
			t.Fatalf("edit %q: its old text is there %d times", line, strings.Count(text, old))
		}
		text = strings.Replace(text, old, strings.ReplaceAll(strings.TrimPrefix(now, " "), `\n`, "\n"), 1)
	}
	return text
}

// renamed gives the model mnist another name; an empty one leaves it.
func renamed(f txtar.File, name string) txtar.File {
	if name == "" {
		return f
	}
	for _, field := range []string{"models", "selected"} {
		f.Data = bytes.ReplaceAll(f.Data, []byte(field+": mnist:"), []byte(field+": "+name+":"))
	}
	f.Data = bytes.ReplaceAll(f.Data, []byte("{mnist."), []byte("{"+name+"."))
	f.Name = strings.Replace(f.Name, "selected/mnist.cue", "selected/"+name+".cue", 1)
	return f
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}
