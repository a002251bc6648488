package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// TestTails: what a pod said is read once for each run, beside the pass, and told by the next one. What could not be read is not lost
// for ever, and until something was read it is told once that the right is missing; other reasons pass.
func TestTails(t *testing.T) {
	const none = "(its log can't be read: pods \"p\" is forbidden: no right, token=[redacted]"
	synctest.Test(t, func(t *testing.T) {
		reads, pokes := 0, 0
		tails := newTails(func() { pokes++ })
		read := func(context.Context) (string, error) {
			if reads++; reads < 3 || reads == 4 {
				return "", apierrors.NewForbidden(corev1.Resource("pods"), "p", errors.New("no\nright, token=hunter2"))
			}
			return fmt.Sprintf("read %d\n", reads), nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		go tails.run(ctx)
		defer synctest.Wait()
		defer cancel()
		for i, step := range []struct {
			run   string
			after time.Duration
			words string // before what this step asks is known
			reads int    // after
		}{
			{"a", 0, "", 1}, {"a", time.Second, none, 1}, {"a", tailPause, none, 2}, {"a", tailPause, none, 3},
			{"a", 0, "read 3", 3}, {"a", time.Hour, "read 3", 3},
			{"b", 0, "read 3", 4}, {"b", time.Second, "read 3", 4}, {"b", tailPause, "read 3", 5}, {"b", 0, "read 5", 5},
		} {
			time.Sleep(step.after)
			words := lastWords(tails.of("u/model", step.run, read))
			tails.settled(ctx)
			synctest.Wait()
			if words != step.words || reads != step.reads {
				t.Errorf("step %d: %q is said, then %d were read", i, words, reads)
			}
		}
		if pokes != 4 { // the second of two equal errors is no news
			t.Errorf("%d pokes", pokes)
		}
	})
}

// TestTailsAreSwept: what nobody asks any more takes no memory.
func TestTailsAreSwept(t *testing.T) {
	tails := newTails(func() {})
	for i := range 2 * tailsAsked {
		tails.of(fmt.Sprint(i), "a", nil)
	}
	tails.sweep()
	tails.of("0", "a", nil)
	tails.sweep()
	if len(tails.known) != 1 {
		t.Errorf("%d are kept", len(tails.known))
	}
}

// reading are tails that are read until the test ends.
func reading(t *testing.T) *tails {
	tails := newTails(func() {})
	ctx, cancel := context.WithCancel(t.Context())
	go tails.run(ctx)
	t.Cleanup(func() { cancel(); synctest.Wait() })
	return tails
}

// TestTailsInTime: a kubelet that does not answer is not waited for.
func TestTailsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tails := reading(t)
		silent := func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }
		tails.of("u/model", "a", silent)
		time.Sleep(2 * tailTime)
		if got := lastWords(tails.of("u/model", "a", silent)); got != "" {
			t.Errorf("it is told: %s", got)
		}
	})
}

// TestTailsInOrder: a run whose log took long to read says nothing any more once a later one has.
func TestTailsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tails := reading(t)
		said := func(words string, after time.Duration) func(context.Context) (string, error) {
			return func(context.Context) (string, error) { time.Sleep(after); return words, nil }
		}
		tails.of("u/model", "a", said("cause of a", 4*time.Second))
		time.Sleep(time.Second)
		second := said("cause of b", 0)
		tails.of("u/model", "b", second)
		time.Sleep(time.Hour)
		if got := lastWords(tails.of("u/model", "b", second)); got != "cause of b" {
			t.Errorf("of the second run is told: %s", got)
		}
	})
}

// TestTailOf: the run that crashed is the same one, and read once, whether it is the present one still or the one before.
func TestTailOf(t *testing.T) {
	t.Parallel()
	pod := parsed(t, []byte("{kind: Pod, apiVersion: v1, metadata: {name: p, namespace: ml, uid: u}}"))
	for _, test := range []struct{ status, run string }{
		{"{restartCount: 3, containerID: c://d, state: {terminated: {exitCode: 1, containerID: c://d}}, lastState: {terminated: {exitCode: 1, containerID: c://c}}}", "c://d false"},
		{"{restartCount: 3, containerID: c://d, state: {waiting: {}}, lastState: {terminated: {exitCode: 1, containerID: c://d}}}", "c://d true"},
		{"{restartCount: 4, containerID: c://e, state: {running: {startedAt: x}}, lastState: {terminated: {exitCode: 1, containerID: c://d}}}", "c://d true"},
		{"{restartCount: 4, containerID: c://e, state: {running: {startedAt: x}}}", "c://e false"},
		{"{restartCount: 3, state: {terminated: {exitCode: 1}}}", "3 false"},
		{"{restartCount: 4, state: {waiting: {}}, lastState: {terminated: {exitCode: 1}}}", "3 true"},
	} {
		got := containerTrouble(pod, parsed(t, []byte("{kind: x, apiVersion: x, "+test.status[1:])).Object, true).tail
		if fmt.Sprint(got.run, " ", got.previous) != test.run {
			t.Errorf("%s: %+v, not %s", test.status, got, test.run)
		}
	}
}

// TestLogs: of a log that is longer than anybody reads the end is read, whether a token is sent or none; what the server says instead is
// told in its words.
func TestLogs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.String() {
		case "/api/v1/namespaces/ml/pods/p/log?container=model&limitBytes=16777216&previous=true&tailLines=200":
			fmt.Fprint(w, strings.Repeat("progress", tailBytes), " DB_PASSWORD=hunter2\n", strings.Repeat("more\n", 10), r.Header.Get("Authorization"))
		case "/api/v1/namespaces/ml/pods/endless/log?container=model&limitBytes=16777216&tailLines=200":
			fmt.Fprint(w, strings.Repeat("progress", tailBytes))
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no pods/log for %s"}`,
				r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(server.Close)
	for token, said := range map[string]string{"": "", "t0ken.of.the.daemon": "Bearer [redacted]"} {
		l, err := newLogs(&rest.Config{Host: server.URL, BearerToken: token})
		if err != nil {
			t.Fatal(err)
		}
		text, err := l.tail(t.Context(), tail{namespace: "ml", pod: "p", container: "model", previous: true})
		if want := "(cut)\n" + strings.Repeat("more\n", 10) + said; text != want || err != nil {
			t.Errorf("%d bytes are read, %q at the end, %v", len(text), text[max(0, len(text)-100):], err)
		}
		if text, err := l.tail(t.Context(), tail{namespace: "ml", pod: "endless", container: "model"}); text != "(cut)" || err != nil {
			t.Errorf("%d bytes are read of a line without end, %v", len(text), err)
		}
		if _, err := l.tail(t.Context(), tail{namespace: "ml", pod: "closed"}); err == nil || strings.TrimSpace(err.Error()) != strings.TrimSpace("no pods/log for "+said) {
			t.Errorf("%v", err)
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
