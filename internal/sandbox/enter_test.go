package sandbox

import "testing"

// TestEnter: however many evaluations wait for one that goes on, one child waits with them (I7).
func TestEnter(t *testing.T) {
	s := New(Options{Command: []string{"/bin/cat", "cat"}})
	first := s.enter(t.Context())
	s.mu.Unlock()
	s.waits.Lock() // somebody waits with a child
	second := s.enter(t.Context())
	s.mu.Unlock()
	s.waits.Unlock()
	third := s.enter(t.Context())
	s.mu.Unlock()
	if first == nil || second != nil || third == nil {
		t.Errorf("children are %v, %v, %v", first, second, third)
	}
	for _, c := range []*child{first, third} {
		if c != nil {
			c.end()
		}
	}
}
