package ci

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// Whose token it is, and somebody else.
const (
	ours   = 41898282
	theirs = 99
)

// token is a secret, as a forge would give one.
const token = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"

// perPage is how many comments a page of the fake has, however many are asked for: forges have limits of their own.
const perPage = 2

// most is how many characters of a comment GitHub takes.
const most = 65_536

type comment struct {
	ID   int
	User int
	Body string
}

// forge is what GitHub and GitLab know of one change, number 5, behind the part of their APIs that the scripts call.
type forge struct {
	*httptest.Server
	mu       sync.Mutex
	comments []comment
	requests []string
	refuse   map[string]int // status by method
	html     bool           // something that is no API answers
}

func newForge(t *testing.T, comments ...comment) *forge {
	f := &forge{comments: comments, refuse: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /graphql", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"data": {"viewer": {"databaseId": %d}}}`, ours)
	})
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"id": %d}`, ours) })
	for _, list := range []string{"/repos/ml/models/issues/5/comments", "/projects/9/merge_requests/5/notes"} {
		mux.HandleFunc("GET "+list, f.list)
		mux.HandleFunc("POST "+list, f.create)
	}
	mux.HandleFunc("PATCH /repos/ml/models/issues/comments/{id}", f.update)
	mux.HandleFunc("PUT /projects/9/merge_requests/5/notes/{id}", f.update)
	f.Server = httptest.NewServer(f.guarded(mux))
	t.Cleanup(f.Close)
	return f
}

// guarded answers nobody without the token.
func (f *forge) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.requests = append(f.requests, r.Method+" "+r.URL.Path)
		status := f.refuse[r.Method]
		switch {
		case r.Header.Get("Authorization") != "Bearer "+token && r.Header.Get("PRIVATE-TOKEN") != token:
			http.Error(w, `{"message": "Bad credentials"}`, http.StatusUnauthorized)
		case f.html && r.Method == http.MethodGet:
			fmt.Fprint(w, "<html>Please log in</html>")
		case status != 0 && r.URL.Path != "/graphql":
			http.Error(w, `{"message": "not\ntoday"}`, status)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// written are the comments, asked the requests so far.
func (f *forge) written() []comment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.comments)
}

func (f *forge) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

func (f *forge) list(w http.ResponseWriter, r *http.Request) {
	page, err := strconv.Atoi(r.FormValue("page"))
	if err != nil || page < 1 {
		http.Error(w, "no page", http.StatusBadRequest)
		return
	}
	first := min((page-1)*perPage, len(f.comments))
	type user struct {
		ID int `json:"id"`
	}
	listed := []map[string]any{}
	for _, c := range f.comments[first:min(first+perPage, len(f.comments))] {
		who := map[bool]string{true: "user", false: "author"}[strings.HasPrefix(r.URL.Path, "/repos/")]
		listed = append(listed, map[string]any{"id": c.ID, who: user{c.User}, "body": c.Body})
	}
	if err := json.NewEncoder(w).Encode(listed); err != nil {
		panic(err)
	}
}

func (f *forge) create(w http.ResponseWriter, r *http.Request) {
	body, taken := sent(w, r)
	if !taken {
		return
	}
	f.comments = append(f.comments, comment{ID: 1000 + len(f.comments), User: ours, Body: body})
	w.WriteHeader(http.StatusCreated)
}

func (f *forge) update(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(f.comments, func(c comment) bool { return strconv.Itoa(c.ID) == r.PathValue("id") })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	if body, taken := sent(w, r); taken {
		f.comments[i].Body = body
	}
}

// sent is the body of the comment that a request holds, unless that is refused.
func sent(w http.ResponseWriter, r *http.Request) (body string, taken bool) {
	var c struct{ Body string }
	err := json.NewDecoder(r.Body).Decode(&c)
	if taken = err == nil && c.Body != "" && utf8.RuneCountInString(c.Body) <= most; !taken {
		http.Error(w, `{"message": "Validation Failed"}`, http.StatusUnprocessableEntity)
	}
	return c.Body, taken
}
