package gitrepo

import (
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// secrets takes out of texts the secrets that were used: a server may repeat an old one after it was replaced.
type secrets struct {
	mu    sync.Mutex
	known []secret // those that were used last at the end
}

// secret is one of them, where nobody who prints the struct sees it.
type secret struct {
	sum    [sha256.Size]byte
	length int
	clean  func(string) string
	brief  bool // of no use after an hour
}

const (
	// mostBrief is how many secrets are remembered that end by themselves: those of a day.
	mostBrief = 24
	// mostLasting is how many others are, of which some are in use. Who has tokens made anew each hour would fill the memory otherwise.
	mostLasting = 64
)

func (s *secrets) add(texts ...string) { s.put(false, mostLasting, texts...) }

// addBrief is add for secrets that end within hours.
func (s *secrets) addBrief(texts ...string) { s.put(true, mostBrief, texts...) }

func (s *secrets) put(brief bool, most int, texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if text == "" {
			continue
		}
		used := secret{sha256.Sum256([]byte(text)), len(text), nil, brief}
		if i := slices.IndexFunc(s.known, func(k secret) bool { return k.sum == used.sum }); i >= 0 {
			used = s.known[i]
			s.known = slices.Delete(s.known, i, i+1)
		} else {
			used.clean = redact.Secrets(text)
			s.forget(brief, most)
		}
		s.known = append(s.known, used)
	}
}

// forget makes room for one more secret of a kind.
func (s *secrets) forget(brief bool, most int) {
	kind := func(k secret) bool { return k.brief == brief }
	n := 0
	for _, k := range s.known {
		if kind(k) {
			n++
		}
	}
	if n >= most {
		i := slices.IndexFunc(s.known, kind)
		s.known = slices.Delete(s.known, i, i+1)
	}
}

// clean returns the text without secrets.
func (s *secrets) clean(text string) string {
	s.mu.Lock()
	known := slices.Clone(s.known)
	s.mu.Unlock()
	slices.SortStableFunc(known, func(a, b secret) int { return b.length - a.length })
	for _, k := range known {
		text = k.clean(text)
	}
	return text
}
