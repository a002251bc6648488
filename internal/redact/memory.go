package redact

import (
	"crypto/sha256"
	"slices"
	"sync"
)

// How many secrets that are no longer in use a Memory knows. Where a token is made anew each hour, it is those of a day and more.
const (
	mostLasting = 64
	mostBrief   = 24
)

// Memory takes out of texts the secrets that were used: a server may repeat an old one after it was replaced. It is bounded, since a
// process may live for years. The zero value knows none; all may use it at once.
type Memory struct {
	mu    sync.Mutex
	known []known // those that were used last at the end
}

// known is a secret, where nobody who prints the struct sees it.
type known struct {
	sum    [sha256.Size]byte
	length int
	clean  func(string) string
	brief  bool
}

// Add remembers secrets that are in use, all of them, and forgets the former ones that were in use the longest ago. Empty ones are none.
func (m *Memory) Add(secrets ...string) { m.put(false, mostLasting, secrets) }

// AddBrief is Add for secrets that end by themselves within hours. They make no others forgotten.
func (m *Memory) AddBrief(secrets ...string) { m.put(true, mostBrief, secrets) }

func (m *Memory) put(brief bool, former int, secrets []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range secrets {
		if text == "" {
			continue
		}
		used := known{sum: sha256.Sum256([]byte(text)), length: len(text), brief: brief}
		if i := slices.IndexFunc(m.known, func(k known) bool { return k.sum == used.sum }); i >= 0 {
			used = m.known[i]
			m.known = slices.Delete(m.known, i, i+1)
		} else {
			used.clean = Secrets(text)
		}
		m.known = append(m.known, used)
	}
	m.forget(brief, former+len(secrets))
}

// forget leaves so many secrets of a kind.
func (m *Memory) forget(brief bool, most int) {
	extra := -most
	for _, k := range m.known {
		if k.brief == brief {
			extra++
		}
	}
	m.known = slices.DeleteFunc(m.known, func(k known) bool {
		if k.brief != brief || extra <= 0 {
			return false
		}
		extra--
		return true
	})
}

// Clean returns the text without the secrets.
func (m *Memory) Clean(text string) string {
	m.mu.Lock()
	all := slices.Clone(m.known)
	m.mu.Unlock()
	slices.SortStableFunc(all, func(a, b known) int { return b.length - a.length }) // one may be part of another
	for _, k := range all {
		text = k.clean(text)
	}
	return text
}
