package polyaxon

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

func TestExperiment(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	const text = `{"uuid":"0123456789abcdef0123456789abcdef","status":"succeeded","created_at":"2026-11-23T12:00:00.5Z","finished_at":null,
		"updated_at":"2026-11-23T12:00:01Z","pending":null,"pipeline":null,
		"inputs":{"lr":0.5,"whole":1.0,"epochs":5,"big":9007199254740993,"huge":1e400,"opt":"sgd","deep":true,"none":null,"list":[1]},
		"outputs":{"loss":1,"accuracy":-0.5e-1,"text":"0.9","flag":true,"none":null,"huge":1e400},
		"meta_info":{"has_jobs":true,"trefoil_sha256:a/b.dat":"` + sum + `"}}`
	var r run
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	want := plan.Experiment{
		UID: "0123456789abcdef0123456789abcdef", Phase: plan.Succeeded,
		Created: time.Date(2026, 11, 23, 12, 0, 0, 5e8, time.UTC), Ended: time.Date(2026, 11, 23, 12, 0, 1, 0, time.UTC),
		Params: map[string]any{
			"lr": 0.5, "whole": 1.0, "epochs": int64(5), "big": int64(9007199254740993), "huge": math.Inf(1), "opt": "sgd", "deep": true,
		},
		Metrics:   map[string]float64{"loss": 1, "accuracy": -0.05, "huge": math.Inf(1)},
		Artifacts: map[string]string{"a/b.dat": sum},
	}
	if diff := cmp.Diff(want, r.experiment()); diff != "" {
		t.Error(diff)
	}
}

func TestOddMetaInfo(t *testing.T) {
	for _, meta := range []string{"null", "[]", "3", `"x"`, "{}", `{"digest":7,"model":["x"]}`, `{"digest":"v1-zz"}`} {
		var r run
		if err := json.Unmarshal([]byte(`{"meta_info":`+meta+`}`), &r); err != nil {
			t.Errorf("%s: %v", meta, err)
		}
		if d, m := r.digest(), r.MetaInfo.text(metaModel); d != "" || m != "" {
			t.Errorf("%s: digest %q, model %q", meta, d, m)
		}
	}
}

// TestI5GarbledSHA256: what is no sha256 is not known, so that it is fetched again and written over.
func TestI5GarbledSHA256(t *testing.T) {
	for name, garbled := range map[string]string{
		"short": `"abc"`, "upper case": `"` + strings.Repeat("A", 64) + `"`, "long": `"` + strings.Repeat("a", 65) + `"`, "line": `"` + strings.Repeat("a", 64) + `\n"`,
		"no digits": `"` + strings.Repeat("g", 64) + `"`, "empty": `""`, "null": "null", "number": "7", "list": `["` + strings.Repeat("a", 64) + `"]`,
	} {
		t.Run(name, func(t *testing.T) {
			r := run{MetaInfo: values{metaSHA256 + "model.dat": json.RawMessage(garbled)}}
			if a := r.experiment().Artifacts; len(a) != 0 {
				t.Error(a)
			}
		})
	}
}

// FuzzPage: whatever a server sends, looking at it neither panics nor lets values through that the planner does not know.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"count":1,"results":[{"uuid":"0123456789abcdef0123456789abcdef","status":"succeeded","outputs":{"loss":null},"inputs":{"lr":1e400}}]}`))
	f.Add([]byte(`{"results":[{"meta_info":[],"inputs":"x","outputs":{"a":-}}]}`))
	f.Add([]byte(`{"results":[{"status":"stopped","finished_at":"2026-11-23T12:00:00Z","meta_info":{"trefoil_sha256:":null,"digest":{}}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p page
		if json.Unmarshal(text, &p) != nil || p.check() != nil {
			return
		}
		for _, r := range p.Results {
			x := r.experiment()
			if len(x.UID) != 32 || x.Phase == plan.Running != x.Ended.IsZero() && !r.UpdatedAt.IsZero() {
				t.Errorf("%+v", x)
			}
			for name, value := range x.Params {
				switch value.(type) {
				case string, bool, int64, float64:
				default:
					t.Errorf("%s is a %T", name, value)
				}
			}
			v := patience{metric: time.Second, settle: time.Second}.judge(r, p.Results, nil, time.Unix(0, 0))
			if v.phase == "" || v.settled && v.phase == plan.Running {
				t.Errorf("%+v", v)
			}
			_ = r.digest().Short()
		}
	})
}

// FuzzDetail: the words of a refusal are one line of bounded length.
func FuzzDetail(f *testing.F) {
	f.Add([]byte(`{"name":["a","b\nc"],"detail":{"x":["y"]}}`))
	f.Add([]byte("<html>\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		clean := cleaner("")(detail(body))
		for _, r := range clean {
			if !unicode.IsPrint(r) {
				t.Errorf("%q", clean)
			}
		}
		if n := len([]rune(clean)); n > 303 {
			t.Errorf("%d characters", n)
		}
	})
}
