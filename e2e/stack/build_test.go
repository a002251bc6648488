//go:build e2e

package stack

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// interrupting is a progress that ends the build soon after its first line, in
// the middle of the first program.
type interrupting struct{ cancel context.CancelFunc }

func (i interrupting) Write(text []byte) (int, error) {
	time.AfterFunc(500*time.Millisecond, i.cancel)
	return len(text), nil
}

func TestInterruptedBuildLeavesNothing(t *testing.T) {
	goCache, err := goCommand(t.Context(), ".", "env", "GOCACHE")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(goCache)) // else it would move with the next line
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := Build(ctx, interrupting{cancel}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
	left, err := filepath.Glob(filepath.Join(cache, "trefoil-e2e", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || filepath.Base(left[0]) != "etcd.lock" {
		t.Errorf("the cache holds %q, want a lock alone", left)
	}
}
