package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/schema"
)

// hook sends what GitHub sends of a push to main, and returns the status.
func (f *following) hook(secret string) int {
	f.Helper()
	body := fmt.Sprintf(`{"ref": "refs/heads/main", "repository": {"clone_url": %q}}`, f.url)
	r, err := http.NewRequest(http.MethodPost, f.hooks, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	r.Header.Set("X-GitHub-Event", "push")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func (f *following) plans(commit string) bool {
	return strings.Contains(f.log.String(), `msg="planning on" commit=`+commit)
}

// TestWebhook: a push is acted on when its webhook comes, and not when a wrong one does. A new secret holds without a restart. What is sent
// a thousand times costs a look a second.
func TestWebhook(t *testing.T) {
	f := follow(t, &leasing{})
	f.eventually("the first pass", func() bool { return strings.Contains(f.log.String(), "planning on") })
	f.quiet()
	commit, asked := f.push("package models\n// 2\n"), len(f.asked())
	if code := f.hook("another secret of theirs"); code != http.StatusUnauthorized {
		t.Errorf("a wrong signature is answered with %d", code)
	}
	f.quiet()
	if now := len(f.asked()); now != asked {
		t.Errorf("who is not signed has the server asked %d times", now-asked)
	}
	began := time.Now()
	if code := f.hook(hookSecret); code != http.StatusNoContent {
		t.Errorf("a right signature is answered with %d", code)
	}
	f.eventually("the push is planned on", func() bool { return f.plans(commit) })
	t.Logf("acted on %v after the webhook was sent", time.Since(began).Round(time.Millisecond))

	const after = "the one that comes after it"
	f.keep(after)
	commit = f.push("package models\n// 3\n")
	if before, now := f.hook(hookSecret), f.hook(after); before != http.StatusUnauthorized || now != http.StatusNoContent {
		t.Errorf("after the secret was changed the old one is answered with %d, the new one with %d", before, now)
	}
	f.eventually("the push is planned on", func() bool { return f.plans(commit) })
	f.replay(after)
}

// replay sends the same webhook again and again.
func (f *following) replay(secret string) {
	f.Helper()
	before, began := len(f.asked()), time.Now()
	for range 1000 {
		if code := f.hook(secret); code != http.StatusNoContent {
			f.Fatalf("a replay is answered with %d", code)
		}
	}
	most := int(time.Since(began)/time.Second) + 2
	if looks := len(f.asked()) - before; looks > most {
		f.Errorf("I7: 1,000 webhooks cost %d looks, at most %d are a look a second", looks, most)
	}
}

// TestFileIsWatched: a push to a repository of this machine is acted on with neither a webhook nor a poll.
func TestFileIsWatched(t *testing.T) {
	g := serveGit(t)
	f := followAt(t, &leasing{}, g, "file://"+g.bare)
	for i := range 3 {
		f.eventually("a pass", func() bool { return strings.Count(f.log.String(), "planning on") == i+1 })
		commit := f.push(fmt.Sprintf("package models\n// %d\n", i+2))
		f.eventually("the push is planned on", func() bool { return f.plans(commit) })
	}
}

// TestWebhookWaits: a daemon that waits for the lease takes a webhook too, and rings for the one that leads, once a second at most.
func TestWebhookWaits(t *testing.T) {
	somebody, seconds, now := "somebody else", int32(15), metav1.NowMicro()
	cluster := &leasing{lease: &coordinationv1.Lease{
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &somebody, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}}
	f := follow(t, cluster)
	f.eventually("it waits", func() bool { return strings.Contains(f.log.String(), "waits: another daemon leads") })
	if code := f.hook("another secret of theirs"); code != http.StatusUnauthorized {
		t.Errorf("a wrong signature is answered with %d", code)
	}
	began := time.Now()
	for range 500 {
		if code := f.hook(hookSecret); code != http.StatusNoContent {
			t.Fatalf("a right signature is answered with %d", code)
		}
	}
	f.eventually("it rings", func() bool { return cluster.rung() > 0 })
	if most := int(time.Since(began)/time.Second) + 2; cluster.rung() > most {
		t.Errorf("I7: it rings %d times, at most %d are one a second", cluster.rung(), most)
	}
	if strings.Contains(f.log.String(), "planning on") {
		t.Error("it plans, and does not lead")
	}
}

// TestIdle: while nothing is pushed a pass costs the git server one listing and nothing else, and this process no memory (I7).
func TestIdle(t *testing.T) {
	g := serveGit(t)
	c := defaults()
	c.Repository.URL = g.url
	source, err := c.source()
	if err != nil {
		t.Fatal(err)
	}
	a := &app{out: io.Discard, err: io.Discard, evaluate: schema.Evaluate}
	engine := memory.NewEngine(wallClock)
	loop := a.loop(c, source, engine, engine, a.log())
	passes := func(n int) (heap uint64, goroutines int) {
		for range n {
			if _, err := loop.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	heap, goroutines := passes(20)
	before := len(g.asked())
	later, still := passes(100)
	listing := "GET /ml/models.git/info/refs?service=git-upload-pack"
	asked := g.asked()[before:]
	for _, call := range asked {
		if call != listing {
			t.Errorf("an idle pass asks %s", call)
		}
	}
	if len(asked) != 100 {
		t.Errorf("100 passes ask %d times", len(asked))
	}
	if later > heap+256<<10 || still > goroutines+2 {
		t.Errorf("I7: %d bytes and %d goroutines after 20 passes, %d and %d after 120", heap, goroutines, later, still)
	}
	t.Logf("%d bytes after 20 passes, %d after 120", heap, later)
}
