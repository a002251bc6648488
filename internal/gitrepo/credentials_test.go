package gitrepo

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// changing are credentials that a test replaces between calls.
type changing struct {
	now Credentials
	err error
}

func (c *changing) read() (Credentials, error) { return c.now, c.err }

// Who is asked next is asked with the credentials that there are then; those of before are not sent any more, and connections are kept
// as long as nothing changed.
func TestCredentialsChange(t *testing.T) {
	s := serve(t, specs())
	var sent []string
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		_, password, _ := r.BasicAuth()
		sent = append(sent, password)
		next.ServeHTTP(w, r)
	})
	var connections atomic.Int64
	front := httptest.NewUnstartedServer(s.handler)
	front.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	front.Start()
	t.Cleanup(front.Close)
	o, c := options(front.URL+"/specs.git"), &changing{now: Credentials{Password: "first"}}
	o.Credentials = c.read
	repo := open(t, o)
	ask := func(want int64) {
		t.Helper()
		if _, err := repo.Tip(aMinute(t)); err != nil {
			t.Error(err)
		}
		if got := connections.Load(); got != want {
			t.Errorf("%d connections; want %d", got, want)
		}
	}
	ask(1)
	ask(1)
	c.now = Credentials{Password: "second"}
	ask(2)
	ask(2)
	if got := strings.Join(sent, " "); got != "first first second second" {
		t.Errorf("sent: %s", got)
	}
}

// Credentials that cannot be read for a moment, or not yet all of them, end the one call and not the next.
func TestCredentialsUnreadable(t *testing.T) {
	s := serve(t, specs())
	o, c := options(s.url), &changing{now: Credentials{Password: "x"}}
	o.Credentials = c.read
	repo := open(t, o)
	for _, bad := range []changing{
		{err: errors.New("open password: no such file")},
		{now: Credentials{CA: []byte("-----BEGIN CERTIFI")}},
		{now: Credentials{Username: "bob"}},
	} {
		*c = bad
		if _, err := repo.Tip(aMinute(t)); err == nil || !strings.HasPrefix(err.Error(), "list "+s.url) {
			t.Errorf("Tip = %v", err)
		}
		*c = changing{now: Credentials{Password: "y"}}
		if _, err := repo.Tip(aMinute(t)); err != nil {
			t.Error(err)
		}
	}
}

// I6: a server that repeats an old password after it was replaced is cut short too, also where one is part of the other.
func TestCredentialsOldOnesStaySecret(t *testing.T) {
	const old, replaced = "s3cr3t", "s3cr3t/t0ken="
	s := serve(t, specs())
	s.inject(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		line := fmt.Sprintf("ERR %s and %s and %s", old, replaced, base64.StdEncoding.EncodeToString([]byte("git:"+old)))
		fmt.Fprintf(w, "%04x%s", len(line)+4, line)
	})
	o, c := options(s.url), &changing{now: Credentials{Password: old}}
	o.Credentials = c.read
	repo := open(t, o)
	c.now = Credentials{BearerToken: replaced}
	_, err := repo.Tip(aMinute(t))
	if err == nil || !strings.Contains(err.Error(), "[redacted] and [redacted] and [redacted]") {
		t.Errorf("I6: Tip = %v", err)
	}
}
