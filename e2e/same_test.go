//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// own are the fields of a release that are an engine's own: which run, when, and the bytes of an image.
var own = regexp.MustCompile(`(?m)^(\s*(?:experiment|commit|image):\s+)".*"$`)

// TestSame lets one repository be followed on the real engines and on this machine: what is released is the same.
func TestSame(t *testing.T) {
	w := newWorld(t, startStack(t), true)
	_, err := w.git.Seed(t.Context(), "three models", "../examples/three")
	w.must(err)
	w.start()
	l := newLaptop(t, "three")
	l.trefoil("run", "--local", "--once")
	files, err := filepath.Glob(filepath.Join(l.dir, "selected", "*.cue"))
	w.must(err)
	if len(files) != 3 {
		t.Fatalf("on this machine the released models are %v", files)
	}
	for _, file := range files {
		name := filepath.Base(file)
		real := ""
		w.eventually(name+" has an image", patience, func() bool {
			real, _ = w.git.ReadFile(t.Context(), "selected/"+name) // not there yet
			return strings.Contains(real, "image:")
		})
		here, err := os.ReadFile(file)
		w.must(err)
		if diff := cmp.Diff(own.ReplaceAllString(real, `$1"…"`), own.ReplaceAllString(string(here), `$1"…"`)); diff != "" {
			t.Errorf("%s: the real engines' (-), this machine's (+)\n%s", name, diff)
		}
	}
}
