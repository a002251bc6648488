package kube

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"
)

// TestTails: what a pod said is read once for each restart, beside the pass, and told by the next one.
func TestTails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, pokes := 0, 0
		tails := newTails(func() { pokes++ })
		tails.read = func(context.Context, tail) (string, error) {
			if asked++; asked == 2 {
				return "", errors.New("forbidden")
			}
			return "ImportError: torch\n", nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		go tails.run(ctx)
		defer synctest.Wait()
		defer cancel()
		crash := tail{namespace: "ml", pod: "mnist", uid: "u", container: "model", restarts: 1}
		if words := tails.words(crash); words != "" {
			t.Errorf("%q is said before it was read", words)
		}
		for range 2 {
			synctest.Wait()
			if words := tails.words(crash); words != "ImportError: torch" || asked != 1 || pokes != 1 {
				t.Errorf("%q is said after %d reads and %d pokes", words, asked, pokes)
			}
		}
		crash.restarts++ // and now the right is missing
		tails.words(crash)
		synctest.Wait()
		if words := tails.words(crash); words != "ImportError: torch" || asked != 2 || pokes != 1 {
			t.Errorf("%q is said after %d reads and %d pokes", words, asked, pokes)
		}
	})
}

// TestTailsAreBounded: pods without end take no memory without end.
func TestTailsAreBounded(t *testing.T) {
	tails := newTails(func() {})
	tails.read = func(context.Context, tail) (string, error) { return "", nil }
	for i := range 2 * tailsKept {
		tails.words(tail{uid: strings.Repeat("x", i)})
		select {
		case <-tails.asked:
		default:
		}
		if len(tails.known) > tailsKept {
			t.Fatalf("%d are kept", len(tails.known))
		}
	}
}

// FuzzLastWords: a log may hold anything.
func FuzzLastWords(f *testing.F) {
	for _, log := range []string{"", "a\nb\n", "\x1b[31mred\r\n", strings.Repeat("long ", 1000), strings.Repeat("line\n", 30), "\xff\xfe"} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		words := lastWords(log)
		if !utf8.ValidString(words) || strings.ContainsFunc(words, func(r rune) bool { return !unicode.IsPrint(r) }) || len([]rune(words)) > 600 {
			t.Errorf("%q", words)
		}
	})
}
