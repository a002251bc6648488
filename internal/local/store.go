package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// store keeps records in files, one each. Whoever holds the lock of the folder writes; anybody may read, also while it is written: for
// that each has a folder of its own, since a list of files may lack one that is being replaced.
type store struct {
	dir string
	mu  sync.Mutex // what is read is what is changed
}

const recordFile = "record.json"

// file is that of an object. Names of objects have no slash, but that of a namespace may be empty.
func (s *store) file(ref render.Ref) string {
	return filepath.Join(s.dir, string(ref.Kind), ref.Namespace+"+"+ref.Name, recordFile)
}

// get reads a record; false where there is none.
func (s *store) get(ref render.Ref) (record, bool, error) {
	r, err := read(s.file(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	return r, err == nil, err
}

func read(name string) (record, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return record{}, err
	}
	var r record
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		return record{}, fmt.Errorf("%s: %w (it is Trefoil's own; what it is about can be made anew once it is deleted)", name, err)
	}
	r.Body, _ = numbers(r.Body).(map[string]any)
	return r, nil
}

// numbers makes int64 and float64 of what JSON calls numbers, in the value itself.
func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64() // of what a float64 was written as
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	}
	return value
}

// all reads the records of a kind. One that is removed, or made, meanwhile is none.
func (s *store) all(kind render.Kind) ([]record, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, string(kind)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []record
	for _, e := range entries {
		r, err := read(filepath.Join(s.dir, string(kind), e.Name(), recordFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil { // a file that can't be read is that object's concern alone
			r = record{Kind: kind, Phase: plan.Failed, Message: reconcile.Line(err.Error())}
			r.Namespace, r.Name, _ = strings.Cut(e.Name(), "+")
		}
		list = append(list, r)
	}
	return list, nil
}

func (s *store) put(r record) error { return writeJSON(s.file(r.ref()), r) }

// change changes a record if it is still that object. What f returns says whether there is anything to write.
func (s *store) change(ref render.Ref, uid string, f func(*record) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, found, err := s.get(ref)
	if err != nil || !found || r.UID != uid || !f(&r) {
		return err
	}
	return s.put(r)
}

// remove forgets the record.
func (s *store) remove(ref render.Ref) error {
	file := s.file(ref)
	return errors.Join(os.Remove(file), os.RemoveAll(filepath.Dir(file))) // the file first: without it there is no object
}

// writeJSON replaces a file in one step, so that whoever reads it, or starts after a crash, finds the old or the new one.
func writeJSON(name string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return replace(name, append(text, '\n'))
}

func replace(name string, text []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
