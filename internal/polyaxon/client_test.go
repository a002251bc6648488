package polyaxon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

const secret = "s3cr3t-t0ken"

func TestNewRefuses(t *testing.T) {
	good := Options{BaseURL: "http://polyaxon:8000/", Owner: "default", Project: "trefoil", RepositoryOwner: "r-0123456789abcdef", Token: secret}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no url":      {func(o *Options) { o.BaseURL = "" }, "is not http or https"},
		"no scheme":   {func(o *Options) { o.BaseURL = "polyaxon:8000" }, "is not http or https"},
		"odd url":     {func(o *Options) { o.BaseURL = "http://%" }, "can't be parsed"},
		"password":    {func(o *Options) { o.BaseURL = "http://ci:" + secret + "@polyaxon" }, "carries credentials"},
		"no scheme 2": {func(o *Options) { o.BaseURL = "ci:" + secret + "@polyaxon" }, "is not http or https"},
		"query":       {func(o *Options) { o.BaseURL = "http://polyaxon?token=" + secret }, "query or fragment"},
		"fragment":    {func(o *Options) { o.BaseURL = "http://polyaxon#" + secret }, "query or fragment"},
		"owner":       {func(o *Options) { o.Owner = "a/b" }, `owner "a/b"`},
		"project":     {func(o *Options) { o.Project = "" }, `project ""`},
		"number":      {func(o *Options) { o.RepositoryOwner = "1e5" }, `identity "1e5"`},
		"nan":         {func(o *Options) { o.RepositoryOwner = "nan" }, `identity "nan"`},
		"comma":       {func(o *Options) { o.RepositoryOwner = "r-1,kind:job" }, "identity"},
		"token lines": {func(o *Options) { o.Token = secret + "\nmore" }, "characters that no HTTP header can carry"},
		"token file":  {func(o *Options) { o.Token = Token(strings.Repeat(secret, 1000)) }, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			tc.change(&o)
			_, err := New(o)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// TestI6TokenIsNeverPrinted: not by any verb, encoder or log handler, and in no error.
func TestI6TokenIsNeverPrinted(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sent := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	o := Options{BaseURL: s.URL, Owner: "default", Project: "p", RepositoryOwner: "r-1", Token: secret, Log: log}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e.client.pause = time.Millisecond
	_, err = e.Observe(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x %v", o, o, o.Token, o.Token, o.Token, o.Token, err)
	fmt.Fprintf(&out, "%+v", e.client)
	text, err := json.Marshal(o.Token)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("options", "token", o.Token)
	log.Info("options", "token", o.Token)
	if strings.Contains(out.String(), secret) || strings.Contains(out.String(), fmt.Sprintf("%x", secret)) {
		t.Error("the token is printed:", out.String())
	}
	if sent != "Token "+secret {
		t.Errorf("sent %q", sent)
	}
}

// replies is an engine whose server answers every request alike.
func replies(t *testing.T, answer http.HandlerFunc) (*Engine, *wire) {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	w := &wire{}
	e, err := New(Options{BaseURL: s.URL + "/below/", Owner: "default", Project: "p", RepositoryOwner: "r-1", Transport: w})
	if err != nil {
		t.Fatal(err)
	}
	e.client.pause = time.Millisecond
	return e, w
}

func TestObserveSaysWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		code  int
		body  string
		want  string
		calls int
	}{
		"forbidden":     {403, `{"detail":"Invalid token."}`, "polyaxon: GET /below/api/v1/default/p/runs: 403: Invalid token.; check the token and what it may do", 1},
		"list":          {400, `["one", "two\nlines"]`, "400: one; two lines", 1},
		"object":        {400, `{"name":["too long"],"detail":"and more"}`, "400: and more; name: too long", 1},
		"text":          {400, "<html>\n no</html>", "400: <html> no</html>", 1},
		"locked":        {405, "", "405; the server failed without a word, as it does when its database is locked; see its log", 6},
		"not allowed":   {405, `{"detail":"Method GET not allowed."}`, "405: Method GET not allowed.", 1},
		"not locked":    {405, "{}", "405", 1},
		"down":          {503, "", "503; see the server's log", 6},
		"busy":          {429, "", "429", 6},
		"redirect":      {302, "", "302; the server redirects; use the URL that it redirects to", 1},
		"no polyaxon":   {404, "<html>", "GET /below/api/v1/installation: 404: <html>; check URL, owner and project", 2},
		"not json":      {200, "<html>", "the reply is not what Polyaxon 2 sends; check the URL", 1},
		"other json":    {200, `{"status":"ok"}`, "is no list of runs; check the URL", 1},
		"null":          {200, "null", "is no list of runs", 1},
		"not a uuid":    {200, `{"count":1,"results":[{"uuid":"1/../2"}]}`, "the uuid of a run is not 32 hexadecimal digits", 1},
		"fewer":         {200, `{"count":2,"results":[]}`, "changed while it was read", 1},
		"long":          {400, strings.Repeat("é", 1000), "400: " + strings.Repeat("é", 300) + "...", 1},
		"invalid utf-8": {400, "a\xffb", "400: a?b", 1},
	} {
		t.Run(name, func(t *testing.T) {
			e, w := replies(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(tc.code)
				_, _ = io.WriteString(w, tc.body)
			})
			if live, err := e.Observe(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, %v, want %q", live, err, tc.want)
			}
			if w.count() != tc.calls {
				t.Errorf("%d requests, want %d", w.count(), tc.calls)
			}
		})
	}
}

func TestObserveWithoutDate(t *testing.T) {
	e, _ := replies(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		_, _ = io.WriteString(w, `{}`)
	})
	live, err := e.Observe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "has no date") {
		t.Error(live, err)
	}
}

// TestI7ReplyIsBounded: a reply without an end is given up.
func TestI7ReplyIsBounded(t *testing.T) {
	e, w := replies(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	e.client.limit = 2 << 20
	live, err := e.Observe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "larger than 2 MiB") || w.count() != 1 {
		t.Error(live, err, w.count())
	}
}

func TestObserveEndsWithItsContext(t *testing.T) {
	e, _ := replies(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.Observe(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestPages reads 501 runs, also where the list changes between its two pages.
func TestPages(t *testing.T) {
	for name, tc := range map[string]struct {
		count, first, last int // of the second page
		whole              bool
	}{
		"whole":       {501, 500, 501, true},
		"one deleted": {500, 500, 500, false}, // and the last one slipped onto the first page
		"one new":     {502, 500, 502, false},
		"a double":    {501, 499, 500, false},
		"short":       {501, 500, 500, false},
	} {
		t.Run(name, func(t *testing.T) {
			e, w := replies(t, func(w http.ResponseWriter, r *http.Request) {
				count, first, last := 501, 0, 500
				if r.FormValue("offset") == "500" {
					count, first, last = tc.count, tc.first, tc.last
				}
				var results []string
				for i := first; i < last; i++ {
					results = append(results, fmt.Sprintf(`{"uuid":"%032x","name":"n"}`, i))
				}
				fmt.Fprintf(w, `{"count":%d,"results":[%s]}`, count, strings.Join(results, ","))
			})
			all, _, err := e.list(t.Context(), "kind:matrix")
			if tc.whole != (err == nil) || tc.whole != (len(all) == 501) || w.count() != 2 {
				t.Errorf("%d runs in %d calls: %v", len(all), w.count(), err)
			}
		})
	}
}

// TestI1CreateIsNotRepeated where it may have had an effect, and is where it had none for certain.
func TestI1CreateIsNotRepeated(t *testing.T) {
	const none = `{"count":0,"results":[]}`
	refusedDial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for name, tc := range map[string]struct {
		answer func(r *http.Request) (*http.Response, error)
		posts  int
		want   string
	}{
		"lost":       {func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, 1, "may have been created or not"},
		"502":        {func(r *http.Request) (*http.Response, error) { return answer(r, 502, ""), nil }, 1, "may have been created or not"},
		"200":        {func(r *http.Request) (*http.Response, error) { return answer(r, 200, "<html>log in"), nil }, 1, "may have been created or not"},
		"400":        {func(r *http.Request) (*http.Response, error) { return answer(r, 400, `["bad"]`), nil }, 1, "nothing was created"},
		"not there":  {func(*http.Request) (*http.Response, error) { return nil, refusedDial }, 12, "nothing was created"},
		"locked":     {func(r *http.Request) (*http.Response, error) { return answer(r, 405, ""), nil }, 12, "nothing was created"},
		"half a 201": {func(r *http.Request) (*http.Response, error) { return answer(r, 201, `{"uu`), nil }, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, w := replies(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, none) })
			w.fault = func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
				if isCreate(r) {
					return tc.answer(r)
				}
				return nil, nil
			}
			err := e.Apply(t.Context(), object("mnist", 1, nil), "")
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			w.wantPosts(t, tc.posts)
			if w.count() != 2*tc.posts {
				t.Errorf("%d calls for %d creates: each is to be preceded by a look-up", w.count(), tc.posts)
			}
		})
	}
}

// TestI1LookUpFails: what can't be looked up is not created.
func TestI1LookUpFails(t *testing.T) {
	e, w := replies(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	if err := e.Apply(t.Context(), object("mnist", 1, nil), ""); err == nil {
		t.Error("no error")
	}
	garbled := object("mnist", 1, nil)
	garbled.Digest = "v1-1,kind:job"
	if err := e.Apply(t.Context(), garbled, ""); err == nil || !strings.Contains(err.Error(), "can't be looked up") {
		t.Error(err)
	}
	w.wantPosts(t, 0)
}

func TestWrongCalls(t *testing.T) {
	e, w := replies(t, http.NotFound)
	o := object("mnist", 1, nil)
	if err := e.Apply(t.Context(), o, "seen"); !errors.Is(err, reconcile.ErrStale) {
		t.Error(err)
	}
	workflow := render.Object{Ref: render.Ref{Kind: render.Workflow, Name: "w"}}
	if err := e.Apply(t.Context(), workflow, ""); err == nil {
		t.Error("applied a workflow")
	}
	if err := e.Remove(t.Context(), workflow.Ref, strings.Repeat("0", 32), ""); err == nil {
		t.Error("removed a workflow")
	}
	if err := e.Remove(t.Context(), o.Ref, "../../../x", ""); err == nil {
		t.Error("removed by a path")
	}
	if err := e.Fetch(t.Context(), "../x", "model.dat"); err == nil {
		t.Error("fetched by a path")
	}
	if w.count() != 0 {
		t.Error(w.calls)
	}
}
