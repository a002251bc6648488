package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/trefoil-gitops/trefoil/schema"
)

// TestReadRace: somebody pushes between the listing of a repository and its fetch. What is read is the newest.
func TestReadRace(t *testing.T) {
	git := serveGit(t)
	var once sync.Once
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		git.handler.ServeHTTP(w, r)
		once.Do(func() { git.push("package models\n\nmodels: late: owner: \"ada@example.com\"\n") })
	}))
	defer front.Close()
	var out, said bytes.Buffer
	a := &app{out: &out, err: &said, env: func(string) (string, bool) { return "", false }, evaluate: schema.Evaluate}
	a.run(t.Context(), []string{"validate", "--repo", front.URL + "/ml/models.git"})
	if !strings.Contains(out.String(), "models.cue:3:9: error") {
		t.Errorf("validated was\n%s%s", &out, &said)
	}
}
