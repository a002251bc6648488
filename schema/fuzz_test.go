package schema

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// harmless leaves out what is known to take CUE for ever: evaluation moves to a process that can be killed, this one can't.
func harmless(data []byte) bool {
	return len(data) < 4<<10 && !bytes.Contains(data, []byte("import")) && !bytes.Contains(data, []byte("for ")) &&
		bytes.Count(data, []byte("|")) < 8 && bytes.Count(data, []byte("*")) < 8
}

// seeds returns a file of each archive.
func seeds(f *testing.F, pattern, name string) [][]byte {
	f.Helper()
	archives, err := filepath.Glob(pattern)
	if err != nil || len(archives) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	var all [][]byte
	for i, path := range archives {
		if i%3 != 0 { // enough to begin with, and quick where only the seeds run
			continue
		}
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if data := archived(a, name); data != nil && harmless(data) {
			all = append(all, data)
		}
	}
	return all
}

// FuzzLoad: whatever models.cue holds, Load ends without a panic, a model is either there or explained, findings have a code, a
// place and a single line, "nothing" is never said without a word, and what is written of it reads the same.
func FuzzLoad(f *testing.F) {
	for _, seed := range append(seeds(f, "testdata/load/*.txtar", "models.cue"), seeds(f, "testdata/broken/*.txtar", "models.cue")...) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !harmless(data) {
			return
		}
		tree := testTree{fstest.MapFS{"models.cue": {Data: data, Mode: 0o644}, "train-mnist/run.py": {Mode: 0o644}, "serve-mnist/m.py": {Mode: 0o644}}}
		c, err := Load(context.Background(), tree)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Models) == 0 && len(c.Findings) == 0 && !bytes.Contains(data, []byte("models")) {
			t.Error("nothing, and nothing said")
		}
		for _, found := range c.Findings {
			if Codes()[found.Code] == "" || found.Pos.File == "" || found.Message == "" || strings.Contains(found.String(), "\n") {
				t.Errorf("finding %+v", found)
			}
		}
		again, err := Load(context.Background(), tree)
		if err != nil || catalogText(again) != catalogText(c) {
			t.Error("the same bytes, another catalog")
		}
		sameRead(t, "models.cue", c)
	})
}

// FuzzAmend: whatever a person made of the file, the new text says what was decided or there is an error.
func FuzzAmend(f *testing.F) {
	for _, seed := range seeds(f, "testdata/amend/*.txtar", "file") {
		f.Add(seed, "model.dat", 0.5, int64(3))
	}
	f.Fuzz(func(t *testing.T, file []byte, text string, metric float64, param int64) {
		if !harmless(file) {
			return
		}
		release := Release{Number: 2, Answers: Digests{Search: Digest(text)}, Experiment: strings.Repeat("b", 32),
			Params: map[string]any{text: text, "n": param, "f": metric}, Metrics: map[string]float64{"accuracy": metric},
			Artifact: Artifact{text, strings.Repeat("b", 64)}, Commit: strings.Repeat("b", 40)}
		next := Selected{Latest: 0, Last: 2, Releases: []Release{release}}
		if now, _, err := readSelected(file, "mnist"); err == nil && len(bytes.TrimSpace(file)) > 0 {
			next.Latest, next.Last = now.Latest, max(now.Last, 2)
			if _, there := now.Release(2); !there {
				next.Releases = append(next.Releases, now.Releases...)
			} else {
				next.Releases = now.Releases
			}
		}
		got, err := Amend(file, "mnist", next)
		if err != nil {
			return
		}
		if read, _, err := readSelected(got, "mnist"); err != nil || !sameSelected(read, next) {
			t.Errorf("%v, want %+v in\n%s", err, next, got)
		}
	})
}
