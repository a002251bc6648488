package reconcile

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

const ways = "data.ndarray.0.1 data.ndarray.1.0 data.tensor.values.2 jsonData.score strData"

func TestReadAnswer(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		err        error
		want       string
	}{
		{"numbers", `{"data": {"ndarray": [[0.25, 7], [-1e3]]}, "meta": {"requestPath": {"b": "model@1", "a": "scaler", "c": "model@1"}}}`, nil,
			"[model@1 scaler] map[data.ndarray.0.1:7 data.ndarray.1.0:-1000] "},
		{"other kinds", `{"data": {"tensor": {"values": [1, 2, 3]}}, "jsonData": {"score": true}, "strData": "7"}`, nil,
			"[] map[data.tensor.values.2:3] "},
		{"shapes", `{"data": {"ndarray": {"0": [1, 2]}, "tensor": 3}, "jsonData": [1]}`, nil, "[] map[data.ndarray.0.1:2] "},
		{"another protocol", `{"meta": {"requestPath": ["model@1"]}, "jsonData": {"score": 0.5}}`, nil, "[] map[jsonData.score:0.5] "},
		{"beginnings", `{"data": 1, "jsonData.score": 2, "data.ndarray": [[0, 1]], "": {"data": 3}, "strData": 4}`, nil, "[] map[strData:4] "},
		{"no names", `{"meta": {"requestPath": {"a": null, "b": 1, "c": {"d": "e"}, "f": "", "data": "g"}}}`, nil, "[g] map[] "},
		{"secrets", "DB_PASSWORD=hunter2 https://" + strings.Repeat("t", 400) + "@x", nil,
			"[] map[] it answers no JSON: DB_PASSWORD=[redacted] https://[redacted]@x"},
		{"an error with one", ``, errors.New("fatal: token=hunter2"), "[] map[] fatal: token=[redacted]"},
		{"an error with a coloured one", ``, errors.New("fatal: token\x1b[0m=hunter2"), "[] map[] fatal: token=[redacted]"},
		{"a list", `[1, 2]`, nil, "[] map[] "},
		{"no JSON", "<html>\n\x1b[31mBad Gateway", nil, "[] map[] it answers no JSON: <html> Bad Gateway"},
		{"nothing", "", nil, "[] map[] it answers no JSON: "},
		{"too large a number", `{"jsonData": {"score": 1e999}}`, nil, `[] map[] it answers no JSON: {"jsonData": {"score": 1e999}}`},
		{"too long", "[" + strings.Repeat("1,", 1<<19) + "1]", nil, "[] map[] its answer has more than 1 MiB"},
		{"an error", `{}`, errors.New("the model says 400 Bad Request:\n3 columns"), "[] map[] the model says 400 Bad Request: 3 columns"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := read(plan.Question{Ways: ways}, []byte(tc.text), tc.err)
			if got := fmt.Sprint(a.Images, a.Numbers, " ", a.Fault); got != tc.want {
				t.Errorf("read\n%s, not\n%s", got, tc.want)
			}
		})
	}
}

// FuzzReadAnswer: whatever a model answers, what is kept of it is bounded, and lines (I7).
func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"data": {"ndarray": [[0.25, 7]]}, "meta": {"requestPath": {"model": "model@1"}}}`), "data.ndarray.0.1")
	f.Add([]byte("[[[\x1b"), "0.0.0")
	f.Fuzz(func(t *testing.T, text []byte, ways string) {
		a := read(plan.Question{Ways: ways}, text, nil)
		if len(a.Images) > 10 || len(a.Numbers) > len(strings.Fields(ways)) || a.Fault != Line(a.Fault) && a.Fault != Line(a.Fault)+" " {
			t.Errorf("%+v", a)
		}
		for _, image := range a.Images {
			if image != Line(image) {
				t.Errorf("%q", image)
			}
		}
	})
}

// TestReadAnswerOfMany: the image that matters is found, wherever it stands.
func TestReadAnswerOfMany(t *testing.T) {
	for _, name := range []string{"000", "015", "999"} {
		var b strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&b, `"%03d": "image@%03d", `, i, i)
		}
		a := read(plan.Question{Image: "image@" + name}, []byte(`{"meta": {"requestPath": {`+strings.TrimSuffix(b.String(), ", ")+"}}}"), nil)
		if len(a.Images) > 10 || !slices.Contains(a.Images, "image@"+name) || !slices.IsSorted(a.Images) {
			t.Errorf("%s: %q, %s", name, a.Images, a.Fault)
		}
	}
}

// TestReadAnswerOfMuch: as many answers are read at a time as models are asked, so that none may become much more than it has bytes.
func TestReadAnswerOfMuch(t *testing.T) {
	fill := func(begin, each, end string) string {
		return begin + strings.Repeat(each+",", (LongestAnswer-len(begin+each+end))/(len(each)+1)) + each + end
	}
	var units strings.Builder
	for i := 0; units.Len() < LongestAnswer-100; i++ {
		fmt.Fprintf(&units, `"%x":"%x",`, i, i)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // so that it is known what is held
	for _, text := range []string{
		fill("[", `{"":0}`, "]"), fill(`{"data":{"ndarray":[`, `{"":0}`, "]}}"), fill(`{"data":{"ndarray":[[`, "1", "]]}}"),
		`{"meta":{"requestPath":{` + strings.TrimSuffix(units.String(), ",") + "}}}", strings.Repeat("[", LongestAnswer),
	} {
		runtime.GC()
		before := held()
		a := read(plan.Question{Ways: ways}, []byte(text), nil)
		if more := (held() - before) >> 20; more > 8 {
			t.Errorf("%.30s becomes %d MiB: %.100s", text, more, fmt.Sprint(a))
		}
	}
}

// held is how many bytes were reachable when garbage was collected last.
func held() int {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}
