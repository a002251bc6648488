//go:build e2e

package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/canary"
)

// TestWebhook has a daemon that polls every 10 minutes act on a push when it is told of it, and ask its git server nothing before; then
// when another daemon is told, which waits for the lease.
func TestWebhook(t *testing.T) {
	secret := canary.New("the secret of the webhook")
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := quickWorld(t, nil, fmt.Sprintf("webhook: {listen: '127.0.0.1:0', secretFile: %q}\n", file))
	w.env = []string{"TREFOIL_POLL=10m"}
	w.start()
	to := w.listens("daemon.log")
	w.eventually("the first pass", time.Minute, func() bool { return strings.Contains(w.log(), "planning on") })
	asked := w.still()

	hash, err := w.git.Push(w.Context(), "a model", func(dir string) error {
		return writeFiles(dir, map[string]string{"one.cue": "models: one: {}"})
	})
	w.must(err)
	if code := w.hook(to, canary.New("a guess").Secret); code != http.StatusUnauthorized {
		t.Errorf("a guess at the secret is answered with %d", code)
	}
	if now := w.still(); now != asked {
		t.Errorf("before the webhook the git server is asked %+v, then %+v", asked, now)
	}
	t.Logf("the push is acted on %v after its webhook", w.told(to, secret.Secret, hash))
	w.eventually("its search has ended", patience, func() bool {
		runs := w.runs("kind:matrix")
		return len(runs) == 1 && runs[0].Status == "succeeded"
	})
	if code := w.hook(to, secret.Secret); code != http.StatusNoContent { // else the end is seen at the next poll
		t.Errorf("the webhook is answered with %d", code)
	}

	w.another("second.log")
	to = w.listens("second.log")
	w.eventually("the second daemon waits", time.Minute, func() bool {
		return strings.Contains(w.read("second.log"), "waits: another daemon leads")
	})
	w.eventually("the release", patience, func() bool { return w.serves(stack.NamespaceStaging, "one", "1") })
	w.still()
	hash, err = w.git.Push(w.Context(), "another model", func(dir string) error {
		return writeFiles(dir, map[string]string{"two.cue": "models: two: {}"})
	})
	w.must(err)
	t.Logf("the push is acted on %v after a webhook to a daemon that waits", w.told(to, secret.Secret, hash))
	logs := map[string]string{"the log": w.log(), "the other log": w.read("second.log")}
	if found := canary.Leaks(logs, []canary.Canary{secret}); len(found) > 0 {
		t.Errorf("I6: %v", found)
	}
}

// listens returns where the daemon of a log takes webhooks.
func (w *world) listens(log string) string {
	w.Helper()
	address := regexp.MustCompile(`msg="takes webhooks" address=(\S+)`)
	w.eventually("it takes webhooks", time.Minute, func() bool { return address.MatchString(w.read(log)) })
	return "http://" + address.FindStringSubmatch(w.read(log))[1] + "/webhook"
}

// told sends a webhook and returns how long after it the first daemon plans on the commit.
func (w *world) told(to, secret, hash string) time.Duration {
	w.Helper()
	sent := time.Now()
	if code := w.hook(to, secret); code != http.StatusNoContent {
		w.Errorf("the webhook is answered with %d", code)
	}
	planned := regexp.MustCompile(`time=(\S+) level=INFO msg="planning on" commit=` + hash[:7])
	w.eventually("the push is planned on", 30*time.Second, func() bool { return planned.MatchString(w.log()) })
	at, err := time.Parse(time.RFC3339Nano, planned.FindStringSubmatch(w.log())[1])
	w.must(err)
	return at.Sub(sent).Round(time.Millisecond)
}

// still waits until the git server was not asked for five seconds: longer than any look takes that was asked for before.
func (w *world) still() stack.Traffic {
	w.Helper()
	last, since := stack.Traffic{Listings: -1}, time.Now()
	w.eventually("nobody asks the git server", time.Minute, func() bool {
		if now := w.git.Traffic(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 5*time.Second
	})
	return last
}

// hook sends what GitHub sends of a push to main, and returns the status.
func (w *world) hook(to, secret string) int {
	w.Helper()
	body := fmt.Sprintf(`{"ref": "refs/heads/main", "repository": {"clone_url": %q}}`, w.git.URL())
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, to, strings.NewReader(body))
	w.must(err)
	mac := hmac.New(sha256.New, []byte(secret))
	_, err = io.WriteString(mac, body)
	w.must(err)
	r.Header.Set("X-GitHub-Event", "push")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(r)
	w.must(err)
	w.must(response.Body.Close())
	return response.StatusCode
}
