package schema

import (
	"bytes"
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestAmend reads testdata/amend: `file` is what is committed, `next` what is to be there in JSON, `want` the new text or the
// error.
func TestAmend(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/amend/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var next Selected
			if err := json.Unmarshal(archived(a, "next"), &next); err != nil {
				t.Fatal(err)
			}
			got, err := Amend(archived(a, "file"), "mnist", next)
			if err != nil {
				got = []byte(err.Error() + "\n")
			}
			compareGolden(t, name, a, "want", string(got))
			if err != nil {
				return
			}
			again, err := Amend(got, "mnist", next)
			if err != nil || !bytes.Equal(got, again) {
				t.Errorf("amending twice: %v\n%s", err, again)
			}
		})
	}
}

func archived(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func TestAmendRefusesWhatCUECanNotSay(t *testing.T) {
	t.Parallel()
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		next := Selected{Last: 1, Releases: []Release{{Number: 1, Experiment: strings.Repeat("a", 32), Metrics: map[string]float64{"loss": value},
			Artifact: Artifact{"m", strings.Repeat("b", 64)}, Commit: strings.Repeat("c", 40)}}}
		if text, err := Amend(nil, "mnist", next); err == nil {
			t.Errorf("loss %v was written:\n%s", value, text)
		}
	}
}
