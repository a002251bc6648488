package gitrepo

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// I6: another host sees no request at all, so no credential either.
func TestFault14Redirect(t *testing.T) {
	const canary = "s3cr3t/t0ken="
	var seen atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	t.Cleanup(thief.Close)
	s := serve(t, specs())
	s.inject(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, thief.URL+r.URL.String(), http.StatusFound)
	})
	o := options(s.url)
	o.Credentials = given(Credentials{Password: canary})
	_, err := open(t, o).Tip(aMinute(t))
	if err == nil || !strings.Contains(err.Error(), "not followed") {
		t.Errorf("Tip = %v; want a refusal", err)
	}
	if seen.Load() != 0 {
		t.Errorf("I6: the other host got %d requests", seen.Load())
	}
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if moved, ok := strings.CutPrefix(r.URL.Path, "/old/"); ok {
			http.Redirect(w, r, "/"+moved+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		next.ServeHTTP(w, r)
	})
	o.URL = strings.Replace(s.url, "/specs.git", "/old/specs.git", 1)
	if tip, err := open(t, o).Tip(aMinute(t)); err != nil || tip != s.tip(t) {
		t.Errorf("Tip of a repository that moved within its server = %q, %v", tip, err)
	}
}

// I6: whatever a server does with what it was sent, no error holds it.
func TestNoSecretInErrors(t *testing.T) {
	const user, canary = "bob", "s3cr3t/t0ken="
	s := serve(t, specs())
	o := options(s.url)
	o.Credentials = given(Credentials{Username: user, Password: canary})
	base := s.tip(t)
	hidden := []string{canary, "s3cr3t", base64.StdEncoding.EncodeToString([]byte(user + ":" + canary))}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 418, 500} {
		s.inject(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, password, _ := r.BasicAuth()
			w.Header().Set("Location", "http://"+user+":"+canary+"@127.0.0.1:1/x")
			w.WriteHeader(status)
			line := fmt.Sprintf("ERR %s %s\x1b[31m\n%s", r.Header.Get("Authorization"), password, strings.Repeat("x", 1000))
			fmt.Fprintf(w, "%04x%s", len(line)+4, line)
		})
		repo := open(t, o)
		_, listed := repo.Tip(aMinute(t))
		_, fetched := repo.Fetch(aMinute(t), base)
		_, committed := repo.Commit(aMinute(t), base, selection("m", "x"))
		for _, err := range []error{listed, fetched, committed} {
			if err == nil {
				t.Fatalf("%d: no error", status)
			}
			text := fmt.Sprintf("%v %+v %#v", err, err, err.Error())
			for _, secret := range hidden {
				if strings.Contains(text, secret) {
					t.Errorf("I6: %d: %s", status, text)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 1000 {
				t.Errorf("%d: not fit for a log: %q", status, err)
			}
		}
	}
}

// I6: also what a hook says is only repeated without secrets.
func TestNoSecretInServersWords(t *testing.T) {
	const canary = "s3cr3t/t0ken="
	s := serve(t, specs())
	o := options(s.url)
	o.Credentials = given(Credentials{Password: canary})
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !post(r, "receive-pack") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
		for _, line := range []string{"unpack ok\n", "ng refs/heads/main no " + r.Header.Get("Authorization") + " " + canary + "\x1b[31m\n"} {
			fmt.Fprintf(w, "%04x%s", len(line)+4, line)
		}
		_, _ = io.WriteString(w, "0000")
	})
	_, err := open(t, o).Commit(aMinute(t), s.tip(t), selection("m", "x"))
	const want = "no Basic [redacted] [redacted] [31m"
	if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), canary) {
		t.Errorf("I6: Commit = %q; want %q at its end", err, want)
	}
}

// Credentials are sent, and what the server thinks of them is said in words that help.
func TestCredentials(t *testing.T) {
	s := serve(t, specs())
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		user, password, _ := r.BasicAuth()
		switch user + ":" + password {
		case "git:token", "bob:pass":
			next.ServeHTTP(w, r)
		case "git:weak":
			http.Error(w, "no", http.StatusForbidden)
		case "git:blind":
			http.Error(w, "no", http.StatusNotFound)
		default:
			http.Error(w, "who?", http.StatusUnauthorized)
		}
	})
	tests := []struct{ user, password, want string }{
		{"", "token", ""},
		{"bob", "pass", ""},
		{"", "weak", "they need to read and to push"},
		{"", "blind", "no such repository"},
		{"", "", "wants credentials"},
	}
	for _, test := range tests {
		o := options(s.url)
		o.Credentials = given(Credentials{Username: test.user, Password: test.password})
		_, err := open(t, o).Tip(aMinute(t))
		if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s:%s: %v; want %q", test.user, test.password, err, test.want)
		}
	}
}

// https is trusted by the system's authorities and by those of the options, by no others.
func TestCertificate(t *testing.T) {
	s := serve(t, specs())
	front := httptest.NewUnstartedServer(s.handler)
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	t.Cleanup(front.Close)
	o := options(front.URL + "/specs.git")
	if _, err := open(t, o).Tip(aMinute(t)); err == nil || !strings.Contains(err.Error(), "authority that is not trusted") {
		t.Errorf("Tip without the CA = %v", err)
	}
	o.Credentials = given(Credentials{CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})})
	repo := open(t, o)
	tip, err := repo.Tip(aMinute(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Commit(aMinute(t), tip, selection("m", "x")); err != nil {
		t.Error(err)
	}
}
