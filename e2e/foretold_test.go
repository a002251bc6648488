//go:build e2e

package e2e

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// foretold is what `plan --base` says of a change before it is pushed, as -o json.
type foretold struct {
	Models []struct {
		Model string
		Notes []string
		Steps []foretoldStep
	}
}

// foretoldStep is one line of it.
type foretoldStep struct {
	Model, Environment, Action, Text, If string
}

// foretell asks `plan --base` what a change of files would do, in a clone that knows nothing of the engines.
func (w *world) foretell(message string, files map[string]string) foretold {
	w.Helper()
	dir := w.TempDir()
	for _, args := range [][]string{
		{"clone", "-q", w.git.URL(), dir}, {"-C", dir, "checkout", "-q", "-b", "change"},
	} {
		if out, err := exec.CommandContext(w.Context(), "git", args...).CombinedOutput(); err != nil {
			w.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	w.must(writeFiles(dir, files))
	text, code := w.trefoil("plan", "-C", dir, "--base", "origin/main")
	w.Logf("%s: before it is merged, plan --base says\n%s", message, text)
	out, again := w.trefoil("plan", "-C", dir, "--base", "main", "-o", "json")
	var f foretold
	if err := json.Unmarshal([]byte(out), &f); err != nil || code != again || code != 0 && code != 3 {
		w.Fatalf("plan --base ends with %d and %d, and says\n%s", code, again, out)
	}
	return f
}

// come compares what was said with what the daemon then logged that it did, model by model and word for word: "…" stands for what
// nobody could know. What it looks up for itself (adopt, fetch) is not told beforehand.
func (f foretold) come(w *world, log string) {
	w.Helper()
	said, blind := map[string][]foretoldStep{}, map[string]bool{}
	for _, m := range f.Models {
		for _, s := range m.Steps {
			said[s.Model] = append(said[s.Model], s)
		}
		blind[m.Model] = slices.ContainsFunc(m.Notes, func(n string) bool { return strings.Contains(n, "is not known") })
	}
	for _, line := range done(log) {
		model, _, _ := strings.Cut(strings.ReplaceAll(line, "/", ":"), ":")
		i := slices.IndexFunc(said[model], func(s foretoldStep) bool { return s.says(line) })
		switch {
		case i >= 0 && !strings.HasPrefix(said[model][i].If, "each"):
			said[model] = slices.Delete(said[model], i, i+1)
		case i < 0 && !blind[model]:
			w.Errorf("the plan did not say that: %s", line)
		}
	}
	nobody := strings.Contains(log, "passes the gate") // a ranking that nobody wins leads to nothing
	for model, left := range said {
		for _, s := range left {
			if s.If == "" && !blind[model] && !nobody {
				w.Errorf("the plan said, and it was not done: %+v", s)
			}
		}
	}
}

func (s foretoldStep) says(line string) bool {
	place := s.Model
	if s.Environment != "" {
		place += "/" + s.Environment
	}
	pattern := regexp.QuoteMeta(place + ": " + s.Action + ": " + s.Text)
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, "…", ".+") + "$").MatchString(line)
}

var message = regexp.MustCompile(`level=INFO msg=("(?:[^"\\]|\\.)*")`)

// done are the actions that a log tells of.
func done(log string) []string {
	var all []string
	for _, m := range message.FindAllStringSubmatch(log, -1) {
		line, err := strconv.Unquote(m[1])
		parts := strings.SplitN(line, ": ", 3)
		if err == nil && len(parts) == 3 && !strings.Contains(parts[0], " ") && !slices.Contains([]string{"hold", "adopt", "fetch"}, parts[1]) {
			all = append(all, line)
		}
	}
	return all
}

// TestForetold goes through the contract's table of what a change does, row by row. Each change compares what `plan --base` said of
// it beforehand with what the daemon then did: see world.change.
func TestForetold(t *testing.T) {
	w := quickWorld(t, map[string]string{"one.cue": "models: one: {}", "two.cue": "models: two: {}", "three.cue": "models: three: {}"}, "")
	w.start()
	w.eventually("three models are served", patience, func() bool {
		return w.serves("ml-staging", "one", "1") && w.serves("ml-staging", "two", "1") && w.serves("ml-staging", "three", "1")
	})
	w.settle()
	rows := []struct {
		name, file, text string
		until            func() bool
		want             tally
	}{
		{"rerun", "one.cue", `models: one: train: revision: 2`, func() bool { return w.serves("ml-staging", "one", "2") }, newSearch("one")},
		{"reselect", "one.cue", `models: one: {train: revision: 2, select: minimum: 0.6}`, func() bool { return w.serves("ml-staging", "one", "3") },
			tally{Pushes: 1, Writes: []string{"patch seldondeployments ml-staging/one"}}},
		{"repackage", "two.cue", `models: two: package: builder: buildah: dockerfile: "Dockerfile.two"`, func() bool { return w.serves("ml-staging", "two", "2") },
			tally{Pushes: 2, Writes: []string{"create workflows argo/two-pkg", "patch seldondeployments ml-staging/two"}}},
		{"a build that fails", "two.cue", `models: two: {labels: "sim.test/outcome": "fail", package: builder: buildah: dockerfile: "Dockerfile.three"}`, nil, tally{}},
		{"rebuild", "two.cue", `models: two: package: {attempt: 1, builder: buildah: dockerfile: "Dockerfile.three"}`,
			func() bool { return w.serves("ml-staging", "two", "3") },
			tally{Pushes: 1, Writes: []string{"create workflows argo/two-pkg", "patch seldondeployments ml-staging/two"}}},
		{"a new environment", "one.cue", `models: one: {train: revision: 2, select: minimum: 0.6, serve: production: {namespace: "ml", release: 1}}`,
			func() bool { return w.serves("ml", "one", "1") }, tally{Writes: []string{"patch seldondeployments ml/one"}}},
		{"promote", "one.cue", `models: one: {train: revision: 2, select: minimum: 0.6, serve: production: {namespace: "ml", release: 2}}`,
			func() bool { return w.serves("ml", "one", "2") }, tally{Writes: []string{"patch seldondeployments ml/one"}}},
		{"rollback", "one.cue", `models: one: {train: revision: 2, select: minimum: 0.6, serve: production: {namespace: "ml", release: 1}}`,
			func() bool { return w.serves("ml", "one", "1") }, tally{Writes: []string{"patch seldondeployments ml/one"}}},
		{"update", "one.cue", `models: one: {train: revision: 2, select: minimum: 0.6, serve: production: {namespace: "ml", release: 1, replicas: 2}}`,
			func() bool { return w.replicas("ml", "one") == 2 }, tally{Writes: []string{"patch seldondeployments ml/one"}}},
		{"an environment away", "one.cue", `models: one: {train: revision: 2, select: minimum: 0.6}`,
			func() bool { return w.deployment("ml", "one") == nil }, tally{Writes: []string{"delete seldondeployments ml/one"}}},
		{"another namespace", "three.cue", `models: three: serve: staging: name: "third"`,
			func() bool { return w.deployment("ml-staging", "three") == nil },
			tally{Writes: []string{"delete seldondeployments ml-staging/three", "patch seldondeployments ml-staging/third"}}},
		{"resources", "three.cue", `models: three: {owner: "a", labels: team: "a", train: resources: limits: cpu: "2", serve: staging: name: "third"}`,
			nil, tally{}},
		{"a model away", "three.cue", "", func() bool { return w.deployment("ml-staging", "third") == nil },
			tally{Writes: []string{"delete seldondeployments ml-staging/third", "delete workflows argo/three-pkg"}}},
	}
	var steps []step
	for _, row := range rows {
		steps = append(steps, step{row.name, func(inner *world) { inner.row(row.name, row.file, row.text, row.until, row.want) }})
	}
	w.steps(t, append(steps, step{"stop", replacedSearch}))
}

// newSearch is what a new search of a model comes to.
func newSearch(model string) tally {
	return tally{Searches: 1, Experiments: 3, Calls: 2, Pushes: 2, Writes: []string{
		"create configmaps argo/" + model, "create workflows argo/" + model + "-pkg", "patch seldondeployments ml-staging/" + model,
		"update configmaps argo/" + model,
	}}
}

// row is one change of one file; without until it is enough that the daemon plans on it.
func (w *world) row(name, file, text string, until func() bool, want tally) {
	w.Helper()
	said := len(w.log())
	if name == "a build that fails" { // what was to come of the build does not
		w.write(name, map[string]string{file: text})
		w.eventually("the build fails", patience, func() bool { return w.says(said, "builds it again") })
		return
	}
	if until == nil {
		until = func() bool { return w.says(said, "planning on") }
	}
	w.change(change{message: name, files: map[string]string{file: text}, until: until, want: want})
}

// replacedSearch replaces a search that still runs: it is stopped in the pass after, as was said.
func replacedSearch(w *world) {
	slow := `models: two: {package: {attempt: 1, builder: buildah: dockerfile: "Dockerfile.three"}, train: revision: `
	points := ", train: search: {mapping: [for i in list.Range(0, 40, 1) {rate: i / 100}]}}"
	said := len(w.log())
	w.write("two: a long search", map[string]string{"two.cue": "import \"list\"\n\n" + slow + `"long"` + points})
	w.eventually("the long search runs", patience, func() bool { return w.says(said, "two: hold: search running, ") })
	change := map[string]string{"two.cue": slow + `"short"}`}
	foretold := w.foretell("two: a short search", change)
	said = len(w.log())
	w.write("two: a short search", change)
	w.eventually("the short search has won", patience, func() bool { return w.serves("ml-staging", "two", "4") })
	w.settle()
	log := w.log()[said:]
	foretold.come(w, log)
	if !strings.Contains(log, "two: stop: Search two-v1-") {
		w.Errorf("the long search was not stopped:\n%s", log)
	}
}
