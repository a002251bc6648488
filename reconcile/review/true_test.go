package review_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestCasesComeTrue merges the change of each case in front of the daemon's own loop: it does what was said, word for word, and
// nothing else. Cases whose base has an error are left out, since nobody knows what runs there.
func TestCasesComeTrue(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var compared atomic.Int32
	t.Cleanup(func() {
		if n := compared.Load(); n < 100 {
			t.Errorf("%d cases were compared", n)
		}
	})
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			before, after := trees(t, c)
			d := newDaemon(t, before)
			base := d.catalog()
			if len(base.Findings) > 0 {
				return
			}
			d.pick(load(t, after))
			d.search(base)
			d.passes()
			base = d.catalog()
			d.source.Push("the change", changed(before, after))
			r, done := between(base, d.catalog()), d.log.Len()
			d.passes()
			d.compare(r, d.log.String()[done:])
			compared.Add(1)
		})
	}
}

// changed are the files that differ; those that are gone are nil.
func changed(before, after tree) map[string][]byte {
	files := map[string][]byte{}
	for name, f := range after.MapFS {
		if was := before.MapFS[name]; was == nil || !bytes.Equal(was.Data, f.Data) {
			files[name] = f.Data
		}
	}
	for name := range before.MapFS {
		if after.MapFS[name] == nil {
			files[name] = nil
		}
	}
	return files
}

// daemon is the real loop with engines in memory, in which all succeeds.
type daemon struct {
	*testing.T
	source            *memory.Source
	searches, cluster *memory.Engine
	loop              *reconcile.Loop
	picks             map[string]string // by model
	now               time.Time
	log               strings.Builder
}

func newDaemon(t *testing.T, files tree) *daemon {
	d := &daemon{T: t, source: &memory.Source{}, now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	d.searches, d.cluster = memory.NewEngine(clock), memory.NewEngine(clock)
	d.source.Push("before", changed(tree{}, files))
	d.loop = reconcile.New(reconcile.Options{
		Source: d.source, Searches: d.searches, Cluster: d.cluster, Settings: settings,
		Load: func(_ context.Context, files schema.Tree) (schema.Catalog, error) {
			return load(t, copied(t, files)), nil
		},
		Limits: plan.Limits{Deletions: 5, ExperimentsPerHour: 1_000_000, CommitsPerHour: 1_000_000}, Holder: "test", Poll: time.Minute,
		Log: slog.New(slog.NewTextHandler(&d.log, nil)), Now: clock,
	})
	return d
}

// copied makes a tree whose hashes are those of the cases.
func copied(t *testing.T, from fs.FS) tree {
	files := tree{fstest.MapFS{}}
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(from, name)
		files.MapFS[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (d *daemon) catalog() schema.Catalog {
	tip, err := d.source.Tip(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	files, err := d.source.Fetch(d.Context(), tip)
	if err != nil {
		d.Fatal(err)
	}
	return load(d.T, copied(d.T, files))
}

// search makes the searches that releases are of.
func (d *daemon) search(c schema.Catalog) {
	for _, m := range c.Models {
		for _, r := range c.Selected[m.Name].Releases {
			if r.Answers.Search != m.Digests.Search {
				continue
			}
			if err := d.searches.Apply(d.Context(), render.NewSearch(m, settings, r.Commit), ""); err != nil {
				d.Fatal(err)
			}
			d.end(r.Experiment, map[string]string{r.Artifact.Path: r.Artifact.SHA256})
		}
	}
}

// pick notes which experiments people will pick of which git knows nothing, so that there are such.
func (d *daemon) pick(c schema.Catalog) {
	d.picks = map[string]string{}
	for _, m := range c.Models {
		if !slices.ContainsFunc(c.Selected[m.Name].Releases, func(r schema.Release) bool { return r.Experiment == m.Select.Experiment }) {
			d.picks[m.Name] = m.Select.Experiment
		}
	}
}

// end lets the searches end that run. Their best experiment has this uid, or without one its own, and these artifacts.
func (d *daemon) end(best string, artifacts map[string]string) {
	d.searches.Change(render.Search, func(o *plan.Observed) {
		if o.Phase != plan.Running {
			return
		}
		o.Phase, o.Ended = plan.Succeeded, d.now
		for i, uid := range []string{cmp.Or(best, o.UID[:30]+"01"), cmp.Or(d.picks[o.Model], o.UID[:30]+"02")} {
			q := 0.97 - float64(i)/1000
			o.Experiments = append(o.Experiments, plan.Experiment{
				UID: uid, Created: d.now, Ended: d.now, Phase: plan.Succeeded, Artifacts: artifacts,
				Metrics: map[string]float64{"accuracy": q, "auc": q, "auc_pr": q, "recall": q, "loss": 1 - q},
				Params:  map[string]any{"lr": 0.1, "depth": int64(5), "k": int64(1), "j": "a", "momentum": 0.5},
			})
			artifacts = nil
		}
	})
}

// passes go on until there is nothing to do any more, also once what was begun has ended.
func (d *daemon) passes() {
	for quiet, n := 0, 0; quiet < 2; quiet, n = quiet+1, n+1 {
		pass, err := d.loop.Once(d.Context())
		if err != nil || n > 50 {
			d.Fatalf("pass %d: %v, and there is still something to do:\n%s", n, err, pass.Plan)
		}
		if len(pass.Plan.Actions) > 0 {
			quiet = -1
		}
		d.now = d.now.Add(time.Second)
		d.end("", nil)
		d.cluster.Change(render.Workflow, func(o *plan.Observed) {
			if o.Phase == plan.Running {
				o.Phase, o.Ended, o.Image = plan.Succeeded, d.now, "@sha256:"+strings.TrimPrefix(string(o.Digest), "v1-")
			}
		})
		d.cluster.Change(render.SeldonDeployment, func(o *plan.Observed) { o.Phase = plan.Succeeded })
	}
}

var logged = regexp.MustCompile(`level=INFO msg="([^ ]*): (adopt|fetch|hold|[a-z]+): (.*?)"`)

func (d *daemon) compare(r review.Review, log string) {
	d.Helper()
	said := map[string]plan.Step{} // by what is said
	for _, m := range r.Models {
		for _, s := range m.Steps {
			said[s.String()] = s
		}
	}
	for _, m := range logged.FindAllStringSubmatch(log, -1) {
		line := fmt.Sprintf("%s: %s: %s", m[1], m[2], strings.ReplaceAll(m[3], `\"`, `"`))
		if slices.Contains([]string{"adopt", "fetch", "hold"}, m[2]) {
			continue // bookkeeping, and what is not done
		}
		text, found := matching(said, line)
		if !found {
			d.Errorf("it was not said that %s:\n%s\n%s", line, r, log)
		}
		if !strings.HasPrefix(said[text].If, "each") {
			delete(said, text)
		}
	}
	for text, s := range said {
		if s.If == "" {
			d.Errorf("it was said and not done that %s:\n%s\n%s", text, r, log)
		}
	}
}

// matching finds the step that says a line, with … for what nobody could know.
func matching(said map[string]plan.Step, line string) (string, bool) {
	for _, text := range slices.Sorted(maps.Keys(said)) {
		if regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".+") + "$").MatchString(line) {
			return text, true
		}
	}
	return "", false
}
