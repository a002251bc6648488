//go:build e2e

package seldon_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	echoEnv = []string{
		"PREDICTIVE_UNIT_ID=echo", "PREDICTIVE_UNIT_IMAGE=registry.example/echo:1",
		`PREDICTIVE_UNIT_PARAMETERS=[{"name":"factor","value":"3","type":"INT"}]`,
	}
	componentEnv = []string{
		"PREDICTIVE_UNIT_ID=unit", "PREDICTIVE_UNIT_IMAGE=mnist",
		`PREDICTIVE_UNIT_PARAMETERS=[{"name":"i","value":"3","type":"INT"},{"name":"b","value":"yes","type":"BOOL"},` +
			`{"name":"f","value":"1e3","type":"DOUBLE"},{"name":"s","value":"x","type":"STRING"}]`,
	}
)

// TestMicroservicePairs has what the microservice answered where all of it can be computed.
func TestMicroservicePairs(t *testing.T) {
	p := serve(t, []string{numpy(t)}, "protocol", "Echo", echoEnv...)
	for name, pair := range pairs(t, "echo") {
		t.Run(name, func(t *testing.T) { same(t, pair.Response, pair.Request.ask(t, p.url)) })
	}
}

// TestMnistPairs: the recorded model's weights are gone, so that of what they computed only the form is compared.
func TestMnistPairs(t *testing.T) {
	p := serve(t, []string{numpy(t)}, "models", "MnistModel")
	for name, pair := range pairs(t, "mnist") {
		t.Run(name, func(t *testing.T) {
			want, got := pair.Response, pair.Request.ask(t, p.url)
			if want.Status == 200 {
				want, got = weightless(t, want), weightless(t, got)
			}
			same(t, want, got)
		})
	}
}

// weightless is an answer with the count of its values in place of these.
func weightless(t *testing.T, e exchange) exchange {
	t.Helper()
	head, rest, _ := strings.Cut(e.body(), `"values":[`)
	values, tail, found := strings.Cut(rest, "]")
	if !found {
		t.Errorf("no tensor: %s", e.body())
	}
	body := head + strconv.Itoa(strings.Count(values, ",")+1) + tail
	e.Body = &body
	delete(e.Headers, "Content-Length")
	return e
}

// TestMoreMicroservicePairs has what is not in the recorded pairs: all endpoints, forms and encodings, wrong methods and bodies, and a model
// on seldon_core's base class: with that package and without.
func TestMoreMicroservicePairs(t *testing.T) {
	bin, err := seldonCore(t)
	if err != nil {
		t.Fatal(err)
	}
	plain, whole := []string{numpy(t)}, []string{filepath.Join(bin, "python")}
	for name, c := range map[string]struct {
		file string
		p    *process
	}{
		"echo":                     {"echo.jsonl", serve(t, plain, "protocol", "Echo", echoEnv...)},
		"component":                {"component.jsonl", serve(t, plain, "models", "Component", componentEnv...)},
		"component on seldon_core": {"component.jsonl", serve(t, whole, "models", "Component", componentEnv...)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range lines(t, c.file) {
				t.Run(pair.Request.Method+pair.Request.Path+pair.Request.body(), func(t *testing.T) {
					got := pair.Request.ask(t, c.p.url)
					maps.DeleteFunc(got.Headers, func(name, _ string) bool { return name != "Content-Type" })
					same(t, pair.Response, got)
				})
			}
		})
	}
}

// lines reads pairs that are one a line.
func lines(t *testing.T, file string) []pair {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []pair
	for decoder := json.NewDecoder(f); decoder.More(); {
		var p pair
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// TestExecutorPairsWithServer asks the whole chain what the real one was asked.
func TestExecutorPairsWithServer(t *testing.T) {
	python := []string{numpy(t)}
	echo := serve(t, python, "protocol", "Echo", echoEnv...)
	mnist := serve(t, python, "models", "MnistModel")
	for name, pair := range pairs(t, "executor") {
		t.Run(name, func(t *testing.T) {
			addr := echo.addr()
			switch {
			case strings.Contains(pair.Server, "nothing listens"):
				addr = gone(t)
			case strings.Contains(name, "mnist"):
				addr = mnist.addr()
			}
			f, url := front(t)
			f.Route("ml", "mnist", addr)
			want, got := moved(pair.Response, addr), pair.Request.ask(t, url)
			if strings.Contains(name, "mnist") {
				want, got = weightless(t, want), weightless(t, got)
			}
			same(t, want, got)
		})
	}
}

// TestWithoutNumpy: the model gets lists, and answers keep their form.
func TestWithoutNumpy(t *testing.T) {
	p := serve(t, []string{"python3", "-S"}, "models", "Plain") // -S: no site-packages
	for request, want := range map[string]string{
		`{"data":{"tensor":{"shape":[2,2],"values":[1,2.5,3,4]}}}`: `{"data":{"names":["t:0","t:1"],"tensor":{"shape":[2,2],"values":[1,2.5,3,4]}},"meta":{}}`,
		`{"data":{"ndarray":[[1,2]]}}`:                             `{"data":{"names":["t:0","t:1"],"ndarray":[[1,2]]},"meta":{}}`,
		`{"data":{"ndarray":["a"]}}`:                               `{"data":{"names":[],"ndarray":["a"]},"meta":{}}`,
		`{"data":{}}`:                                              `{"data":{"names":[],"ndarray":[]},"meta":{}}`,
		`{"strData":"a"}`:                                          `{"meta":{},"strData":"a"}`,
		`{"data":{"tensor":{"shape":[1,784],"values":[0,0,0]}}}`: `{"status":{"code":-1,` +
			`"info":"cannot reshape array of size 3 into shape (1,784)","reason":"MICROSERVICE_INTERNAL_ERROR","status":1}}`,
	} {
		if got := predict(request).ask(t, p.url); got.body() != want+"\n" {
			t.Errorf("%s:\n%s", request, got.body())
		}
	}
}

// TestBroken: a model that can't be served says why in its last line, and in its exit code where it broke.
func TestBroken(t *testing.T) {
	for class, want := range map[string]struct {
		code int
		last string
	}{
		"BrokenImport":    {1, "ModuleNotFoundError: No module named 'no_such_module'"},
		"BrokenInit":      {1, "FileNotFoundError: [Errno 2] No such file or directory: 'no-such-file'"},
		"BrokenLoad":      {3, "ValueError: model.dat is half a file"},
		"NoSuchModel":     {1, "ModuleNotFoundError: No module named 'NoSuchModel'"},
		"Plain.Other":     {1, "AttributeError: module 'Plain' has no attribute 'Other'"},
		"no_such_folder.": {1, "ModuleNotFoundError: No module named 'no_such_folder'"},
	} {
		t.Run(class, func(t *testing.T) {
			p := launch(t, []string{"python3"}, "models", class)
			code, stdout := p.ended(t)
			lines := slices.Collect(strings.Lines(strings.TrimSpace(p.stderr.String())))
			if code != want.code || stdout != "" || lines[len(lines)-1] != want.last {
				t.Errorf("exit %d, stdout %q, stderr:\n%s", code, stdout, p.stderr)
			}
		})
	}
}
