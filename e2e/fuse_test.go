//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/schema"
)

// fleet is how many models leave the repository at once.
const fleet = 30

// fleetText is what they share. Their releases are in git from the start, so that they have only to be served.
const fleetText = `
models: [Name=string]: {
	train: {
		image: "python:3.12"
		command: ["true", "--rate={{ rate }}"]
		search: mapping: [...] | *[{rate: 0.5}]
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {
		image: "registry.example/\(Name)"
		source: git: {url: "https://git.example.com/serve.git", commit: "0123456789abcdef0123456789abcdef01234567"}
	}
	serve: staging: namespace: "ml-staging"
}
models: keeper: {}
`

// TestFuse takes thirty models away at once: nothing is deleted until people name what goes, and then that alone (I9). Then it asks
// for more experiments than an hour may start.
func TestFuse(t *testing.T) {
	w := newWorld(t, startStack(t), true)
	w.configureWith(w.git.URL(), w.counter.URL(), w.stack.Kubeconfig(stack.UserDaemon), "fuses: {experimentsPerHour: 3}\n")
	names := make([]string, fleet)
	for i := range names {
		names[i] = fmt.Sprintf("m%02d", i+1)
	}
	_, err := w.git.Push(w.Context(), "a fleet", func(dir string) error { return seedFleet(w.Context(), dir, names) })
	w.must(err)
	w.start()
	w.eventually("all are served", patience, func() bool { return len(w.served()) == fleet+1 })
	w.settle()
	before := w.tally()
	if before.Searches+before.Calls+before.Pushes != 0 || len(before.Writes) != fleet+1 {
		t.Fatalf("releases that git has were served with %+v", before)
	}
	keeper := w.deployment("ml-staging", "keeper").GetResourceVersion()
	w.steps(t, []step{
		{"all at once", func(w *world) { heldBack(w, names) }},
		{"twenty are named", func(w *world) { retire(w, names[:20], names[20:]) }},
		{"the rest is named", func(w *world) { retire(w, names, nil) }},
		{"experiments of an hour", hourly},
	})
	if now := w.deployment("ml-staging", "keeper"); now == nil || now.GetResourceVersion() != keeper {
		t.Errorf("I9: the model that stays was touched")
	}
}

// served are the models of which an object is Available.
func (w *world) served() []string {
	w.Helper()
	var all []string
	for _, u := range w.list(seldonDeployments(), "ml-staging") {
		if status, _ := u.Object["status"].(map[string]any); status["state"] == "Available" {
			all = append(all, u.GetName())
		}
	}
	slices.Sort(all)
	return all
}

// hashless is a tree without folders that anything asks for.
type hashless struct{ fstest.MapFS }

func (hashless) Hash(folder string) (string, error) {
	return "", fmt.Errorf("%s: %w", folder, fs.ErrNotExist)
}

// seedFleet writes models with a release each, as the daemon would have committed them.
func seedFleet(ctx context.Context, dir string, names []string) error {
	if err := os.CopyFS(filepath.Join(dir, "cue.mod"), os.DirFS("testdata/quick/cue.mod")); err != nil {
		return err
	}
	files := map[string]string{"shared.cue": fleetText, "fleet.cue": "models: {" + strings.Join(names, ": {}, ") + ": {}}"}
	if err := writeFiles(dir, files); err != nil {
		return err
	}
	tree := hashless{fstest.MapFS{}}
	for name, text := range files {
		tree.MapFS[name] = &fstest.MapFile{Data: []byte("package models\n\n" + text)}
	}
	return release(ctx, dir, tree)
}

// release gives every model of a tree its first release, image included.
func release(ctx context.Context, dir string, tree schema.Tree) error {
	catalog, err := schema.Load(ctx, tree)
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "selected"), 0o755); err != nil {
		return err
	}
	for _, m := range catalog.Models {
		r := schema.Release{
			Number: 1, Answers: m.Digests, Experiment: strings.Repeat("1", 32), Params: map[string]any{"rate": 0.5},
			Metrics: map[string]float64{"accuracy": 0.5}, Artifact: schema.Artifact{Path: "model.dat", SHA256: strings.Repeat("2", 64)},
			Commit: strings.Repeat("3", 40), Image: "registry.example/" + m.Name + "@sha256:" + strings.Repeat("4", 64),
		}
		text, err := schema.Amend(nil, m.Name, schema.Selected{Latest: 1, Last: 1, Releases: []schema.Release{r}})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "selected", m.Name+".cue"), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// heldBack takes all but one model away: nothing is deleted, and people are told what to write.
func heldBack(w *world, names []string) {
	said := len(w.log())
	w.change(change{
		message: "the fleet goes",
		files:   map[string]string{"fleet.cue": ""},
		until: func() bool {
			return w.says(said, fmt.Sprintf("this pass would delete %d of our %d objects", fleet, fleet+1))
		},
	})
	for _, command := range [][]string{{"plan", "--live"}, {"status"}} {
		out, code := w.trefoil(command...)
		if code != 0 {
			w.Errorf("%s ends with %d and says\n%s", command[0], code, out)
		}
		for _, name := range names {
			if !regexp.MustCompile(name + `.* stays .*name "` + name + `" in retired, with a reason, to let it go`).MatchString(out) {
				w.Errorf("%s does not say how to let %s go:\n%s", command[0], name, out)
			}
		}
	}
	if n := len(w.served()); n != fleet+1 {
		w.Errorf("I9: %d are served, not %d", n, fleet+1)
	}
}

// retire confirms that models go: they do, and no others.
func retire(w *world, gone, left []string) {
	text := "retired: {" + strings.Join(gone, `: "replaced", `) + `: "replaced"}`
	before := w.tally()
	there := w.served()
	w.write("retire", map[string]string{"retired.cue": text})
	want := append([]string{"keeper"}, left...)
	w.eventually("what is named is gone", patience, func() bool { return len(w.list(seldonDeployments(), "")) == len(want) })
	w.settle()
	if diff := cmp.Diff(want, w.served()); diff != "" {
		w.Errorf("I9: served (-want +got)\n%s", diff)
	}
	after := w.tally().since(before)
	if after.Calls+after.Pushes != 0 || len(after.Writes) != len(there)-len(want) {
		w.Errorf("the daemon did %+v", after)
	}
	out, code := w.trefoil("status")
	if n := strings.Count(out, "in retired, with a reason"); code != 0 || n != len(left) {
		w.Errorf("status ends with %d and asks for %d names, not %d:\n%s", code, n, len(left), out)
	}
}

// hourly asks for six experiments where three an hour are allowed: the larger search starts alone, the other waits, and status says so.
func hourly(w *world) {
	said := len(w.log())
	w.write("a large search", map[string]string{
		"large.cue": "models: large: train: search: mapping: [{rate: 0.1}, {rate: 0.2}, {rate: 0.3}, {rate: 0.4}]",
	})
	w.eventually("large is searched", patience, func() bool { return len(w.runs("kind:matrix")) == 1 })
	w.write("a small one", map[string]string{
		"small.cue": "models: small: train: search: mapping: [{rate: 0.1}, {rate: 0.2}]",
	})
	const why = "2 experiments would be more than 3 in an hour, 4 were started"
	w.eventually("small waits", patience, func() bool { return w.says(said, "small: hold: "+why) })
	w.settle()
	if runs := w.runs("kind:matrix"); len(runs) != 1 || !strings.HasPrefix(runs[0].Name, "large-v1-") {
		w.Errorf("an hour's experiments are %+v", runs)
	}
	if out, _ := w.trefoil("status"); !strings.Contains(out, why) {
		w.Errorf("status says\n%s", out)
	}
	w.kill()
	w.configureWith(w.git.URL(), w.counter.URL(), w.stack.Kubeconfig(stack.UserDaemon), "")
	w.start()
	w.eventually("small is searched", time.Minute, func() bool { return len(w.runs("kind:matrix")) == 2 })
}
