package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// endless is a model that takes longer than anybody waits.
const endless = `package models

import "list"

models: bomb: owner: "\(len([for a in list.Range(0, 30000, 1) for b in list.Range(0, 30000, 1) {a + b}]))"
`

// TestChildDiesWithItsParent: a child whose parent is gone sees its input end, and ends in the middle of an evaluation (I7).
func TestChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	c := evaluating(t, t.Context())
	defer c.end()
	if err := c.in.Close(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, _, ok, err := c.hear(20 * time.Second); ok || err != nil || c.late.Load() {
		t.Errorf("it answers %v, %v after %v", ok, err, time.Since(begun))
	}
}

// TestChildDiesWithItsContext: nobody waits for what nobody wants any more.
func TestChildDiesWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := evaluating(t, ctx)
	defer c.end()
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, _, ok, err := c.hear(20 * time.Second); ok || err != nil || c.late.Load() {
		t.Errorf("it answers %v, %v", ok, err)
	}
}

// TestI6Child: the process that evaluates what strangers wrote has no environment to tell of.
func TestI6Child(t *testing.T) {
	t.Setenv("TREFOIL_SECRET", "canary")
	c := evaluating(t, t.Context())
	defer c.end()
	if strings.Contains(strings.Join(c.cmd.Environ(), " "), "canary") {
		t.Errorf("the environment is %q", c.cmd.Environ())
	}
}

// evaluating is a child in the middle of an evaluation that does not end.
func evaluating(t *testing.T, ctx context.Context) *child {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	c, err := start(ctx, []string{program, "sandbox-child"})
	if err != nil {
		t.Fatal(err)
	}
	c.say(request{Files: []file{{"bomb.cue", []byte(endless)}}}, time.Minute)
	for {
		r, _, ok, err := c.hear(20 * time.Second)
		if !ok || err != nil {
			t.Fatalf("no survey: %v, %s", err, c.why(0))
		}
		if r.Survey != nil {
			c.say(request{Judge: []int{1}}, time.Minute)
			return c
		}
	}
}

// FuzzReplies: whatever a child says, there is an error or a catalog in which the model is there or explained, and no panic.
func FuzzReplies(f *testing.F) {
	files := map[string][]byte{"models.cue": []byte("package models\nmodels: a: {}\n")}
	r := schema.Read(files, func(string) {})
	verdicts := []schema.Verdict{r.Judge(0), r.Judge(1)}
	for _, v := range []reply{{Survey: &r.Survey}, {Verdict: &verdicts[0]}, {Verdict: &verdicts[1]}, {Reading: "models.cue"}} {
		line, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"Survey":{"Units":[{"Scope":{}},{"Scope":{"Model":"a"}}]}}`))
	f.Add([]byte(`{"Verdict":{"Models":{"a":{"Body":[1],"Serve":{"x":null}}},"Selected":{"a":"x"}}}`))
	f.Add([]byte(`{"Verdict":{"Models":{"a":{"Body":{"train":{"search":{"matrix":{"x":1}},"params":1}},"Gate":[{"Op":"?"}]}}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := decode(line)
		if err != nil && !errors.Is(err, errTalk) {
			t.Fatal(err)
		}
		survey, all := schema.Read(files, func(string) {}).Survey, append([]schema.Verdict{}, verdicts...)
		if r.Survey != nil {
			survey = *r.Survey
		}
		if r.Verdict != nil {
			all[1] = *r.Verdict
		}
		c, err := schema.LoadWith(t.Context(), noFolders{fstest.MapFS{"models.cue": {Data: files["models.cue"], Mode: 0o644}}},
			func(context.Context, map[string][]byte) (schema.Survey, []schema.Verdict, error) {
				return survey, all, nil
			})
		if err == nil && len(c.Models) == 0 && len(c.Findings) == 0 && len(survey.Units) > 0 {
			t.Errorf("nothing is said about the model: %s", line)
		}
	})
}

// noFolders is a Tree without any.
type noFolders struct{ fs.FS }

func (noFolders) Hash(string) (string, error) { return "", os.ErrNotExist }

// FuzzSpecs: whatever a file beside a healthy model holds, there is a catalog in time, with the healthy model or with a word why
// not (I10), and the same text comes to the same catalog.
func FuzzSpecs(f *testing.F) {
	f.Add([]byte(endless))
	f.Add([]byte("package models\nmodels: b: models.healthy & {owner: \"x\"}\n"))
	f.Add([]byte("package models\nimport \"math/bits\"\nmodels: healthy: owner: \"\\(bits.Lsh(1, 10000000000))\"\n"))
	f.Add([]byte("package models\n_x: models\nretired: a: \"b\"\nmodels: {[_]: {}}\n"))
	program, err := Program()
	if err != nil {
		f.Fatal(err)
	}
	const model = "package models\nmodels: healthy: {train: {image: \"i\", command: [\"x\", \"{{ a }}\"], search: mapping: [{a: 1}], artifact: \"a\"}, select: {metric: \"m\", goal: \"maximize\"}}\n"
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(Options{Command: []string{program, "sandbox-child"}, Deadline: time.Second})
		tree := noFolders{fstest.MapFS{"models.cue": {Data: []byte(model), Mode: 0o644}, "other.cue": {Data: data, Mode: 0o644}}}
		begun := time.Now()
		c, err := schema.LoadWith(t.Context(), tree, s.Evaluate)
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		switch {
		case errors.Is(err, errNoTime):
			return
		case err != nil:
			t.Fatal(err)
		}
		_, frozen := c.Frozen("healthy", "")
		if healthy := len(c.Models) > 0; !healthy && !frozen {
			t.Errorf("no healthy model, findings %v", c.Findings)
		}
	})
}
