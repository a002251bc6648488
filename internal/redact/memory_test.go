package redact

import (
	"fmt"
	"strings"
	"testing"
)

// TestMemory knows those in use, however many they are, and a day of tokens that are made anew each hour, and no more: a daemon lives
// for years.
func TestMemory(t *testing.T) {
	var inUse []string
	for i := range mostLasting + 1 {
		inUse = append(inUse, fmt.Sprintf("line-%03d-of-keys", i))
	}
	m := new(Memory)
	const hours = 2 * mostLasting
	for i := range hours {
		for range 2 {
			m.Add(append(inUse, fmt.Sprintf("token-%03d", i), "")...)
		}
	}
	if most := len(inUse) + 2 + mostLasting; len(m.known) > most {
		t.Errorf("%d are known, want at most %d", len(m.known), most)
	}
	text := fmt.Sprintf("%s token-%03d token-%03d", strings.Join(inUse, " "), hours-1, hours-24)
	if got, want := m.Clean(text), strings.TrimSpace(strings.Repeat(Mark+" ", len(inUse)+2)); got != want {
		t.Errorf("it becomes %s", got)
	}
	if got := m.Clean("token-000"); got != "token-000" {
		t.Errorf("%q is known for ever", got)
	}
}

// TestMemoryBrief: secrets that end by themselves are many, and make room for none but each other.
func TestMemoryBrief(t *testing.T) {
	m := new(Memory)
	m.Add("lasting-secret")
	for i := range 3 * mostBrief {
		m.AddBrief(fmt.Sprintf("brief-secret-%03d", i))
	}
	if len(m.known) != 1+1+mostBrief {
		t.Errorf("%d are known", len(m.known))
	}
	if got := m.Clean(fmt.Sprintf("lasting-secret brief-secret-%03d", 3*mostBrief-1)); got != Mark+" "+Mark {
		t.Errorf("it becomes %q", got)
	}
}

// TestMemoryParts takes out a secret whole of which another one is a part, whichever came first.
func TestMemoryParts(t *testing.T) {
	for _, order := range [][]string{{"s3cr3t", "s3cr3t/t0ken="}, {"s3cr3t/t0ken=", "s3cr3t"}} {
		m := new(Memory)
		for _, one := range order {
			m.Add(one)
		}
		if got := m.Clean("not s3cr3t/t0ken= nor s3cr3t"); got != "not "+Mark+" nor "+Mark {
			t.Errorf("it becomes %q", got)
		}
	}
}
