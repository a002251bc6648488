package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"
)

// TestTails: what a pod said is read once for each restart, beside the pass, and told by the next one. What could not be read is not
// lost for ever.
func TestTails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, pokes := 0, 0
		tails := newTails(func() { pokes++ })
		read := func(context.Context) (string, error) {
			if reads++; reads == 2 {
				return "", errors.New("the kubelet is busy")
			}
			return fmt.Sprintf("read %d\n", reads), nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		go tails.run(ctx)
		defer synctest.Wait()
		defer cancel()
		for i, step := range []struct {
			restarts int64
			after    time.Duration
			words    string // before what this step asks is known
			reads    int    // after
		}{
			{0, 0, "", 1}, {0, 0, "read 1", 1}, {0, time.Hour, "read 1", 1},
			{1, 0, "read 1", 2}, {1, time.Second, "read 1", 2}, {1, tailPause, "read 1", 3}, {1, 0, "read 3", 3},
		} {
			time.Sleep(step.after)
			words := lastWords(tails.of("u/model", step.restarts, read))
			tails.settled(ctx)
			synctest.Wait()
			if words != step.words || reads != step.reads {
				t.Errorf("step %d: %q is said, then %d were read", i, words, reads)
			}
		}
		if pokes != 2 {
			t.Errorf("%d pokes", pokes)
		}
	})
}

// TestTailsAreSwept: what nobody asks any more takes no memory.
func TestTailsAreSwept(t *testing.T) {
	tails := newTails(func() {})
	for i := range 2 * tailsAsked {
		tails.of(fmt.Sprint(i), 0, nil)
	}
	tails.sweep()
	tails.of("0", 0, nil)
	tails.sweep()
	if len(tails.known) != 1 {
		t.Errorf("%d are kept", len(tails.known))
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
		"a terminal's": {"\x1b[2Ja\x07\u202eb\n", "ab"},
		"a secret":     {"export DB_PASSWORD\x1b[0m=hunter,2 now\n", "export DB_PASSWORD=[redacted]"},
		"a key":        {"a\n-----BEGIN PRIVATE KEY-----\nMIIE\ntime=x argo=true\nhunter2=\n-----END PRIVATE KEY-----\nb", "a\n[redacted]\nb"},
		"progress":     {"a\n 1%\r50%\r99%\r\n", "a\n99%"},
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
