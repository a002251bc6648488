package seldon_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A pair is a request and what the real server answered.
type pair struct {
	Server   string
	Request  exchange
	Response exchange
}

type exchange struct {
	Method, Path string
	Status       int
	Headers      map[string]string
	Body         *string
}

// pairs returns the recorded pairs of a kind, echo, mnist or executor, by name.
func pairs(t *testing.T, kind string) map[string]pair {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "protocol", kind+"-*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d recorded pairs of %s: %v", len(files), kind, err)
	}
	all := map[string]pair{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var p pair
		if err := json.Unmarshal(content, &p); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = p
	}
	return all
}

func (e exchange) body() string {
	if e.Body == nil {
		return ""
	}
	return *e.Body
}

// ask sends a request to a server at base, as it was recorded. What fails is an error of the test, and no answer: it runs in goroutines too.
func (e exchange) ask(t testing.TB, base string) exchange {
	t.Helper()
	got, err := e.send(t.Context(), base)
	if err != nil {
		t.Error(err)
	}
	return got
}

// client keeps as many connections as the tests ask at once.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

func (e exchange) send(ctx context.Context, base string) (exchange, error) {
	r, err := http.NewRequestWithContext(ctx, e.Method, base+e.Path, strings.NewReader(e.body()))
	if err != nil {
		return exchange{}, err
	}
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		return exchange{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return exchange{}, err
	}
	text := string(body)
	headers := map[string]string{}
	for name := range response.Header {
		headers[name] = response.Header.Get(name)
	}
	return exchange{Status: response.StatusCode, Headers: headers, Body: &text}, nil
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// same compares all but the date and the words in which a server names itself; recorded ids that are random have to be one.
func same(t *testing.T, want, got exchange) {
	t.Helper()
	for _, name := range []string{"Date", "Server", "Connection"} {
		delete(want.Headers, name)
		delete(got.Headers, name)
	}
	if want.Headers["Seldon-Puid"] == "<random uuid>" && uuid.MatchString(got.Headers["Seldon-Puid"]) {
		want.Headers["Seldon-Puid"] = got.Headers["Seldon-Puid"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the answer is another (-recorded +got):\n%s", diff)
	}
}
