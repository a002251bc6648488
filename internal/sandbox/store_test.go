package sandbox

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/schema"
)

// shelf is a Store; all that is put into it is one family.
type shelf struct {
	kept map[string][]byte
	last []byte
}

func (m *shelf) Get(_, key string) ([]byte, bool) { v, ok := m.kept[key]; return v, ok }
func (m *shelf) Last(string) ([]byte, bool)       { return m.last, m.last != nil }
func (m *shelf) Put(_, key string, v []byte)      { m.kept[key], m.last = v, v }

// three are models, one of which has an error.
const three = `package models

models: [_]: train: {image: "i", command: ["x", "{{ a }}"], search: mapping: [{a: 1}], artifact: "a"}
models: [_]: select: {metric: "m", goal: "maximize"}
models: a: owner: "one"
models: b: owner: "two"
models: c: owner: 3
`

func remembering(t *testing.T, program string, store Store) *Sandbox {
	t.Helper()
	return New(Options{Command: []string{program, "sandbox-child"}, Deadline: time.Minute, Store: store})
}

func load(t *testing.T, s *Sandbox, text string) (schema.Catalog, error) {
	t.Helper()
	files := noFolders{fstest.MapFS{"models.cue": {Data: []byte(text), Mode: 0o644}}}
	return schema.LoadWith(t.Context(), files, s.Evaluate)
}

// TestStore: what one process judged another one need not, and nobody believes what is no transcript.
func TestStore(t *testing.T) {
	t.Parallel()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	store := &shelf{kept: map[string][]byte{}}
	want, err := load(t, remembering(t, program, store), three)
	if err != nil || len(want.Models) != 2 || len(store.kept) != 1 {
		t.Fatalf("%d models, %d kept, %v", len(want.Models), len(store.kept), err)
	}
	got, err := load(t, remembering(t, "/does/not/exist", store), three)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-judged +kept):\n%s", err, diff)
	}
	whole := store.last
	for name, damaged := range map[string]string{
		"nothing": "", "half": string(whole[:len(whole)/2]), "twice": string(whole) + string(whole), "other": "{}\n", "text": "x",
	} {
		for key := range maps.Clone(store.kept) {
			store.kept[key] = []byte(damaged)
		}
		got, err := load(t, remembering(t, program, store), three)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-judged +kept):\n%s", name, err, diff)
		}
	}
}

// TestStoreKnowsTheOthers: after an edit only what it is about is judged.
func TestStoreKnowsTheOthers(t *testing.T) {
	t.Parallel()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	store := &shelf{kept: map[string][]byte{}}
	if _, err := load(t, remembering(t, program, store), three); err != nil {
		t.Fatal(err)
	}
	s := remembering(t, program, store)
	family, _ := keys(nil)
	s.recallLast(family)
	if len(s.kept) != 3 { // what all share, a and b
		t.Errorf("%d verdicts are known", len(s.kept))
	}
	got, err := load(t, remembering(t, program, store), strings.Replace(three, `"one"`, `"four"`, 1))
	if err != nil || len(got.Models) != 2 || got.Models[0].Owner != "four" || got.Models[1].Owner != "two" {
		t.Errorf("%+v, %v", got.Models, err)
	}
}

// TestStoreForgetsFailures: what was too much for this machine, or for the time that it had, is not kept for others.
func TestStoreForgetsFailures(t *testing.T) {
	t.Parallel()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	store := &shelf{kept: map[string][]byte{}}
	const bomb = "package models\nimport \"math/bits\"\nmodels: bomb: owner: \"\\(bits.Lsh(1, 10000000000))\"\n"
	c, err := load(t, remembering(t, program, store), bomb)
	if _, frozen := c.Frozen("bomb", ""); err != nil || !frozen {
		t.Fatalf("%v, findings %v", err, c.Findings)
	}
	if len(store.kept) > 0 {
		t.Errorf("%q is kept", store.kept)
	}
}
