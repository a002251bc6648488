package reconcile

import (
	"errors"
	"fmt"
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
		{"a list", `[1, 2]`, nil, "[] map[] "},
		{"no JSON", "<html>\n\x1b[31mBad Gateway", nil, "[] map[] it answers no JSON: <html> [31mBad Gateway"},
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
