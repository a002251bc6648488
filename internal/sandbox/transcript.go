package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"fmt"
	"maps"
	"slices"

	"github.com/trefoil-gitops/trefoil/schema"
)

// transcript is what children said about files: the survey and the verdicts on its units.
type transcript struct {
	Survey   schema.Survey
	Verdicts []schema.Verdict
	Sizes    []int // of the lines of the verdicts, in bytes
}

// keys are under what a Store has the transcript about files: repositories whose files are called the same are a family.
func keys(files map[string][]byte) (family, key string) {
	names, sum := sha256.New(), sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(names, "%d:%s", len(name), name)
		fmt.Fprintf(sum, "%d:%s%d:", len(name), name, len(files[name]))
		_, _ = sum.Write(files[name]) // never fails
	}
	return string(names.Sum(nil)), string(sum.Sum(nil))
}

// recall returns the transcript about these very files.
func (s *Sandbox) recall(family, key string) (transcript, bool) {
	if s.Store == nil {
		return transcript{}, false
	}
	data, ok := s.Store.Get(family, key)
	if !ok {
		return transcript{}, false
	}
	return parse(data)
}

// recallLast knows the verdicts of the last transcript: on most units they will be the same.
func (s *Sandbox) recallLast(family string) {
	if s.Store == nil {
		return
	}
	if data, ok := s.Store.Last(family); ok {
		if t, ok := parse(data); ok {
			s.know(t)
		}
	}
}

// know remembers a transcript as if it had just been heard.
func (s *Sandbox) know(t transcript) {
	s.kept = map[string]kept{}
	for i, u := range t.Survey.Units {
		s.keep(u, kept{t.Verdicts[i], t.Sizes[i]})
	}
}

// put has the Store keep a transcript.
func (s *Sandbox) put(family, key string, t transcript) {
	if s.Store == nil {
		return
	}
	var data bytes.Buffer
	if gob.NewEncoder(&data).Encode(t) == nil {
		s.Store.Put(family, key, data.Bytes())
	}
}

// parse reads a transcript; it is not ok where it is none.
func parse(data []byte) (t transcript, ok bool) {
	r := bytes.NewReader(data)
	err := gob.NewDecoder(r).Decode(&t)
	return t, err == nil && r.Len() == 0 && len(t.Verdicts) == len(t.Survey.Units) && len(t.Sizes) == len(t.Verdicts)
}
