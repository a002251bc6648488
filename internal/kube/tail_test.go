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
		if words := lastWords(tails.of(crash)); words != "" {
			t.Errorf("%q is said before it was read", words)
		}
		for range 2 {
			synctest.Wait()
			if words := lastWords(tails.of(crash)); words != "ImportError: torch" || asked != 1 || pokes != 1 {
				t.Errorf("%q is said after %d reads and %d pokes", words, asked, pokes)
			}
		}
		crash.restarts++ // and now the right is missing
		tails.of(crash)
		synctest.Wait()
		if words := lastWords(tails.of(crash)); words != "ImportError: torch" || asked != 2 || pokes != 1 {
			t.Errorf("%q is said after %d reads and %d pokes", words, asked, pokes)
		}
	})
}

// TestTailsAreBounded: pods without end take no memory without end.
func TestTailsAreBounded(t *testing.T) {
	tails := newTails(func() {})
	tails.read = func(context.Context, tail) (string, error) { return "", nil }
	for i := range 2 * tailsKept {
		tails.of(tail{uid: strings.Repeat("x", i)})
		select {
		case <-tails.asked:
		default:
		}
		if len(tails.known) > tailsKept {
			t.Fatalf("%d are kept", len(tails.known))
		}
	}
}

// TestLogEnd: the last lines are told as people can read them, and without what is nobody's business.
func TestLogEnd(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a\n", 30) + "last"
	for name, test := range map[string]struct{ log, want string }{
		"nothing":      {"", ""},
		"no end":       {"a\nb", "a\nb"},
		"empty lines":  {"a\n\n \nb\r\n", "a\nb"},
		"Argo's":       {"a\ntime=\"2026-11-28T21:00:00Z\" level=info msg=\"sub-process exited\" argo=true error=\"<nil>\"\ntime=x level=info argo=true\nb", "a\nb"},
		"a terminal's": {"\x1b[2Ja\x07\u202eb\n", "[2Ja b"},
		"a secret":     {"export DB_PASSWORD=hunter2 now\n", "export DB_PASSWORD=[redacted] now"},
		"no text":      {"\xff\xfe\n", "?"},
		"many":         {many, strings.Repeat("a\n", 19) + "last"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(logEnd(test.log), "\n"); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// FuzzLastWords: a log may hold anything.
func FuzzLastWords(f *testing.F) {
	for _, log := range []string{"", "a\nb\n", "\x1b[31mred\r\n", strings.Repeat("long ", 1000), strings.Repeat("line\n", 30), "\xff\xfe"} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		words := lastWords(logEnd(log))
		if !utf8.ValidString(words) || strings.ContainsFunc(words, func(r rune) bool { return !unicode.IsPrint(r) }) || len([]rune(words)) > 600 {
			t.Errorf("%q", words)
		}
	})
}
