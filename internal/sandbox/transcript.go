package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/trefoil-gitops/trefoil/schema"
)

// transcript is what children said about files: the survey and the verdicts on its units. In a Store it is the lines that they said.
type transcript struct {
	survey   schema.Survey
	verdicts []schema.Verdict
	sizes    []int // of the lines of the verdicts, in bytes
}

// keys are under what a Store has the transcript about files: repositories whose files are called the same are a family.
func (s *Sandbox) keys(files map[string][]byte) (family, key string) {
	if s.Store == nil {
		return "", ""
	}
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
	for i, u := range t.survey.Units {
		s.keep(u, kept{t.verdicts[i], t.sizes[i]})
	}
}

// put has the Store keep a transcript.
func (s *Sandbox) put(family, key string, t transcript) {
	if s.Store == nil {
		return
	}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	err := out.Encode(reply{Survey: &t.survey})
	for i := 0; err == nil && i < len(t.verdicts); i++ {
		err = out.Encode(reply{Verdict: &t.verdicts[i]})
	}
	if err == nil {
		s.Store.Put(family, key, text.Bytes())
	}
}

// parse reads a transcript; it is not ok where it is none.
func parse(data []byte) (t transcript, ok bool) {
	for line := range bytes.Lines(data) {
		r, err := decode(line)
		switch {
		case err != nil:
			return transcript{}, false
		case r.Survey != nil && t.verdicts == nil:
			t.survey, t.verdicts = *r.Survey, make([]schema.Verdict, 0, len(r.Survey.Units))
		case r.Verdict != nil && len(t.verdicts) < len(t.survey.Units):
			t.verdicts, t.sizes = append(t.verdicts, *r.Verdict), append(t.sizes, len(line))
		default:
			return transcript{}, false
		}
	}
	return t, t.verdicts != nil && len(t.verdicts) == len(t.survey.Units)
}
