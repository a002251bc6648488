package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestBreaker has another program remove what is recorded about one model, again and again: after so many commits in an hour there are
// no more about it, the other model goes on (I10), and after the hour so does this one.
func TestBreaker(t *testing.T) {
	w := newWorld(t, twoModels)
	w.limits.CommitsPerHour = 4
	loop := w.loop()
	commits := func(model string) (n int) {
		for _, subject := range w.source.Log() {
			if strings.HasPrefix(subject, model+": release ") || strings.HasPrefix(subject, "2 models: ") {
				n++
			}
		}
		return n
	}
	pass := func() string {
		p, err := loop.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if w.source.File("selected/mnist.cue") != "" {
			w.source.Push("undone", map[string][]byte{"selected/mnist.cue": nil})
		}
		w.advance()
		return fmt.Sprint(p.Failed)
	}
	held, began := "", w.now
	for range 20 {
		held = pass()
	}
	if n := commits("mnist"); n != 4 {
		t.Errorf("%d commits about mnist in %v, not 4:\n%s", n, w.now.Sub(began), strings.Join(w.source.Log(), "\n"))
	}
	if want := "4 commits about it in an hour, at most 4 are made (fuses.commitsPerHour): does somebody undo them? Goes on at 13:0"; !strings.Contains(held, want) {
		t.Errorf("holds are %s, want %q", held, want)
	}
	if got := w.source.File("selected/other.cue"); !strings.Contains(got, "image:") {
		t.Errorf("I10: other has no image:\n%s", got)
	}
	w.now = w.now.Add(time.Hour)
	pass()
	if n := commits("mnist"); n != 5 {
		t.Errorf("%d commits about mnist after the hour, not 5", n)
	}
}
