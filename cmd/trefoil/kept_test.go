package main

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/trefoil-gitops/trefoil/internal/cache"
	"github.com/trefoil-gitops/trefoil/schema"
)

// keyed is a tree that counts how often it is asked for its state: that may take a look at all files of a folder.
type keyed struct {
	fstest.MapFS
	key   string
	err   error
	asked int
}

func (k *keyed) Hash(string) (string, error) { return "", errors.New("nobody asks") }

func (k *keyed) Key() (string, error) {
	k.asked++
	return k.key, k.err
}

// TestStateAskedWhenNeeded: a tree is asked for its state where something comes of that, before it is read, and after it to see whether
// it is the same.
func TestStateAskedWhenNeeded(t *testing.T) {
	of := func(text string) fstest.MapFS {
		return fstest.MapFS{"models.cue": {Data: []byte("package models\n" + text)}}
	}
	sound, broken := of("models: {}\n"), of("models: {\n")
	store := cache.Open(t.TempDir(), "test", 1<<20)
	for _, c := range []struct {
		name string
		tree keyed
		kept kept
		want int
	}{
		{"without a store", keyed{MapFS: sound, key: "1"}, kept{}, 0},
		{"not kept", keyed{MapFS: sound, key: "1"}, kept{store}, 2},
		{"kept", keyed{MapFS: sound, key: "1"}, kept{store}, 1},
		{"with errors, which nobody keeps", keyed{MapFS: broken, key: "2"}, kept{store}, 1},
		{"without a state", keyed{MapFS: sound, err: errors.New("too much is ignored")}, kept{store}, 1},
	} {
		a := &app{evaluate: schema.Evaluate, kept: c.kept}
		if _, err := a.load(t.Context(), &c.tree); err != nil || c.tree.asked != c.want {
			t.Errorf("%s: asked %d times, want %d; %v", c.name, c.tree.asked, c.want, err)
		}
	}
}
