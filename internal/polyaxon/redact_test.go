package polyaxon

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/render"
)

// hostile is a server that repeats what it was sent, in one of the places that this package reads.
type hostile struct {
	name   string
	answer func(w http.ResponseWriter, r *http.Request, said string)
	quiet  bool // nothing of it is an error
}

func hostiles() []hostile {
	all := []hostile{
		{name: "redirect", answer: func(w http.ResponseWriter, _ *http.Request, said string) {
			w.Header().Set("Location", "http://127.0.0.1:1/?next="+said)
			w.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(w, "moved to "+said)
		}},
		{name: "odd redirect", answer: func(w http.ResponseWriter, _ *http.Request, said string) {
			w.Header().Set("Location", "http://%zz/"+said)
			w.WriteHeader(http.StatusFound)
		}},
		{name: "date", answer: func(w http.ResponseWriter, _ *http.Request, said string) {
			w.Header().Set("Date", said)
			_, _ = io.WriteString(w, "{}")
		}},
		{name: "no http", answer: func(w http.ResponseWriter, _ *http.Request, said string) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\n"+said+" is no header\r\n\r\n")
			connection.Close()
		}},
		{name: "time", answer: lists(`{"uuid":"%032x","created_at":%s}`)},
		{name: "uuid", answer: lists(`{"uuid":%.0[1]x%[2]s}`)},
		{name: "pending", quiet: true, answer: lists(`{"uuid":"%032x","kind":"matrix","meta_info":{"trefoil":"r-1"},"pending":%s}`)},
		{name: "status", quiet: true, answer: lists(`{"uuid":"%032x","kind":"matrix","meta_info":{"trefoil":"r-1"},"status":%s}`)},
		{name: "metric", quiet: true, answer: lists(`{"uuid":"%032x","kind":"matrix","meta_info":{"trefoil":"r-1"},"status":"succeeded","pipeline":{"uuid":"00000000000000000000000000000001"},"updated_at":"2999-01-01T00:00:00Z","outputs":{%[2]s:null}}`)},
		{name: "history", quiet: true, answer: history},
		{name: "namespace", answer: files},
	}
	for _, code := range []int{400, 401, 403, 404, 405, 429, 500} {
		for what, form := range map[string]string{
			"text": "no %s", "cut": strings.Repeat("x", 295) + "%s", "list": `[%[2]s]`, "detail": `{"detail":%[2]s}`, "name": `{%[2]s:["no"]}`, "odd": `{"detail":%[2]s`,
		} {
			all = append(all, hostile{name: fmt.Sprint(code, " ", what), answer: func(w http.ResponseWriter, _ *http.Request, said string) {
				w.WriteHeader(code)
				_, _ = fmt.Fprintf(w, form+"%.0[2]s", said, quoted(said))
			}})
		}
	}
	return all
}

// lists answers each request by one run, or by a list of one, that has what was said in it.
func lists(form string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, said string) {
		n := 1
		if strings.HasPrefix(r.FormValue("query"), "pipeline") {
			n = 2
		}
		run := fmt.Sprintf(form, n, quoted(said))
		if !strings.HasSuffix(r.URL.Path, "/runs") {
			_, _ = io.WriteString(w, run)
			return
		}
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = fmt.Fprintf(w, `{"count":1,"results":[%s]}`, run)
	}
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// history has a matrix without experiments, which failed with what was said.
func history(w http.ResponseWriter, r *http.Request, said string) {
	switch {
	case strings.HasPrefix(r.FormValue("query"), "pipeline"):
		_, _ = io.WriteString(w, `{"count":0,"results":[]}`)
	case strings.HasSuffix(r.URL.Path, "/statuses"):
		_, _ = fmt.Fprintf(w, `{"status_conditions":[{"type":"failed","message":%s}]}`, quoted(said))
	default:
		lists(`{"uuid":"%032x","kind":"matrix","meta_info":{"trefoil":"r-1"},"status":"failed","name":"%.0[2]s"}`)(w, r, said)
	}
}

// files has a run whose files are in a namespace that was said, and none of them the one that is asked for.
func files(w http.ResponseWriter, r *http.Request, said string) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/tree"):
		_, _ = fmt.Fprintf(w, `{"files":{%s:1},"dirs":[]}`, quoted(said))
	case strings.HasPrefix(r.URL.Path, "/streams"):
		http.Error(w, said, http.StatusNotFound)
	default:
		lists(`{"uuid":"%032x","settings":{"namespace":%s}}`)(w, r, said)
	}
}

// TestI6HostileServer: wherever a server repeats the token, in whatever form, it is in no error, no log and no message.
func TestI6HostileServer(t *testing.T) {
	// canary has what JSON, URLs and HTML escape, word is taken wherever a name is.
	const canary, word = `s3cr3t/t0k"en+&=`, "s3cr3t-t0ken-0123456789"
	for form, tc := range map[string]struct {
		token Token
		say   func(string) string
		in    string // which hostiles say it, by a part of their name
	}{
		"word":   {word, func(s string) string { return s }, ""},
		"plain":  {canary, func(s string) string { return s + "\x1b[31m\u2028" }, ""},
		"query":  {canary, url.QueryEscape, ""},
		"path":   {canary, url.PathEscape, ""},
		"html":   {canary, html.EscapeString, "text"},
		"base64": {canary, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }, ""},
		"header": {canary, func(s string) string { return base64.URLEncoding.EncodeToString([]byte("Token " + s + " was sent")) }, ""},
	} {
		for _, h := range hostiles() {
			if !strings.Contains(h.name, tc.in) {
				continue
			}
			t.Run(form+" "+h.name, func(t *testing.T) {
				out := provoke(t, h, tc.token, tc.say)
				for _, secret := range []string{"s3cr3t", "t0k", base64.StdEncoding.EncodeToString([]byte(canary[:15]))} {
					if strings.Contains(out, secret) {
						t.Fatalf("%q in %s", secret, out)
					}
				}
				if strings.ContainsAny(out, "\x1b\u2028") {
					t.Errorf("not fit for a log: %q", out)
				}
				if h.name != "uuid" && !strings.HasSuffix(h.name, "cut") && !strings.Contains(out, redact.Mark[:3]) {
					t.Errorf("what the server said is lost: %s", out)
				}
			})
		}
	}
}

// provoke calls everything that there is and returns all that people could read.
func provoke(t *testing.T, h hostile, token Token, say func(string) string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, say(strings.TrimPrefix(r.Header.Get("Authorization"), "Token ")))
	}))
	t.Cleanup(s.Close)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e, err := New(Options{BaseURL: s.URL, Owner: "default", Project: "p", RepositoryOwner: "r-1", Token: token, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	e.client.pause = 2
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ref, uid := render.Ref{Kind: render.Search, Name: "mnist"}, fmt.Sprintf("%032x", 1)
	live, observed := e.Observe(ctx)
	errs := []error{observed, e.Apply(ctx, object("mnist", 1, nil), ""), e.Remove(ctx, ref, uid, ""), e.Fetch(ctx, uid, "model.dat")}
	if !h.quiet && errors.Join(errs...) == nil {
		t.Error("no error")
	}
	for _, err := range errs {
		for ; err != nil; err = errors.Unwrap(err) {
			fmt.Fprintf(&out, "%v %+v %s\n", err, err, err)
		}
	}
	fmt.Fprintf(&out, "%+v %+v", live, e.client)
	return out.String()
}
