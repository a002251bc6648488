package gitrepo

import (
	"crypto/sha256"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// secrets takes out of texts all secrets that were ever used: a server may repeat an old one after it was replaced.
type secrets struct {
	mu    sync.Mutex
	known []secret // longest first: one may be part of another
}

// secret is one of them, where nobody who prints the struct sees it.
type secret struct {
	sum    [sha256.Size]byte
	length int
	clean  func(string) string
	brief  bool // of no use after an hour
}

// mostBrief is how many secrets are remembered that end by themselves: those of a day.
const mostBrief = 24

func (s *secrets) add(texts ...string) { s.put(false, texts...) }

// addBrief is add for secrets that end within hours: of those only the last ones are remembered.
func (s *secrets) addBrief(texts ...string) { s.put(true, texts...) }

func (s *secrets) put(brief bool, texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text))
		if text == "" || slices.ContainsFunc(s.known, func(k secret) bool { return k.sum == sum }) {
			continue
		}
		s.forget(brief)
		s.known = append(s.known, secret{sum, len(text), redact.Secrets(text), brief})
	}
}

// forget makes room for one more brief secret.
func (s *secrets) forget(brief bool) {
	isBrief := func(k secret) bool { return k.brief }
	n := 0
	for _, k := range s.known {
		if k.brief {
			n++
		}
	}
	if i := slices.IndexFunc(s.known, isBrief); brief && n >= mostBrief {
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

// ofProxies are the passwords of the proxies that the environment names: errors on the way quote them.
func ofProxies() []string {
	var all []string
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value := os.Getenv(name)
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		at, err := url.Parse(value)
		if err != nil {
			all = append(all, value)
			continue
		}
		if password, ok := at.User.Password(); ok {
			all = append(all, password, basic(at.User.Username(), password)[len("Basic "):])
		}
	}
	return all
}
