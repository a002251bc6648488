//go:build e2e

package stack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCounterLosesReply(t *testing.T) {
	served := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	defer server.Close()
	c, err := Count(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Lose(Call{Method: "POST", Path: "/runs"})
	for _, answered := range []bool{false, true} {
		response, err := http.Post(c.URL()+"/runs", "", nil)
		if (err == nil) != answered {
			t.Errorf("error %v, want an answer: %t", err, answered)
		}
		if err == nil {
			response.Body.Close()
		}
	}
	if served != 2 {
		t.Errorf("the server saw %d requests, want 2", served)
	}
}

func TestCounter(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.URL.RequestURI()+" "+string(body))
	}))
	defer server.Close()
	c, err := Count(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, request := range []struct{ method, uri string }{
		{"GET", "/runs?limit=1"}, {"GET", "/runs?limit=2"}, {"POST", "/runs"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), request.method, c.URL()+request.uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(body) != request.uri+" " {
			t.Errorf("%s %s: server saw %q", request.method, request.uri, body)
		}
	}
	want := map[Call]int{{Method: "GET", Path: "/runs"}: 2, {Method: "POST", Path: "/runs"}: 1}
	if diff := cmp.Diff(want, c.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if c.Writes() != 1 {
		t.Errorf("%d writes, want 1", c.Writes())
	}
}
