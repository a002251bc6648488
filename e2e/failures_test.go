//go:build e2e

package e2e

import (
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestPodsFailures has a model for everything that can go wrong while it is packaged, all at once, in real pods
// (testdata/failures/cases). What `trefoil status` says of one that fails is its file want: the step, how it ended, its last lines and
// what to try; "| ..." stands for lines that depend on the moment, at least one. Those without one end well, whatever happens to the
// others (I10). None has more than one Workflow (I1).
func TestPodsFailures(t *testing.T) {
	_ = trainingPython(t) // while there is a network
	stack.Isolate(t, func() {
		w := newFailures(t)
		w.start()
		w.happens(map[string]func(workflow string){
			"stop":    func(workflow string) { w.patch(workflow, `{"spec": {"shutdown": "Stop"}}`) },
			"deleted": w.deletePodsOf,
		})
		w.spoil(map[string]func(file string) error{
			"changed": func(file string) error { return os.WriteFile(file, []byte("other weights"), 0o644) },
			"gone":    os.Remove,
		})
		w.told()
		w.wasDown()
		w.orphans()
		w.mended()
	})
}

// failures is a world whose models fail.
type failures struct {
	*world
	cases  map[string]*txtar.Archive // by model
	outage *outage                   // while the image of the model push is pushed
	person *laptop
}

// waiting are the models whose Workflow never ends, as long as nobody does something about what it waits for.
var waiting = []string{"image", "secret"}

func newFailures(t *testing.T) *failures {
	t.Helper()
	files, err := filepath.Glob("testdata/failures/cases/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	f := &failures{world: podsWorld(t), cases: map[string]*txtar.Archive{}, outage: &outage{path: "/v2/push/"}}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		f.must(err)
		f.cases[strings.TrimSuffix(filepath.Base(file), ".txtar")] = archive
	}
	f.must(f.stack.Kube.Apply(f.Context(), []byte("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: stranger, namespace: argo}\n")))
	f.stack.Registry.Filter(f.outage.filter)
	_, err = f.git.Push(f.Context(), "models", func(dir string) error {
		if err := os.CopyFS(dir, os.DirFS("testdata/failures/spec")); err != nil {
			return err
		}
		for model, archive := range f.cases {
			code := filepath.Join(dir, "serve", model)
			if err := os.MkdirAll(code, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(code, "Dockerfile"), file(archive, "Dockerfile"), 0o644); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, model+".cue"), file(archive, "models.cue"), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	f.must(err)
	f.person = f.cloned()
	return f
}

// file is one of a case; nil where there is none.
func file(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// outage is a registry that is down for a minute, for what is pushed below a path: from the second request of a push on.
type outage struct {
	path string

	mu           sync.Mutex
	requests     int // of a push
	refused      int
	since, taken time.Time // taken: when it had the image
}

func (o *outage) filter(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if strings.HasPrefix(r.URL.Path, o.path) && o.down(r) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	next.ServeHTTP(w, r)
}

// down notes a request below the path, and reports whether it finds the registry down.
func (o *outage) down(r *http.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if o.requests++; o.requests == 2 {
			o.since = time.Now()
		}
	}
	if !o.since.IsZero() && time.Since(o.since) < time.Minute {
		o.refused++
		return true
	}
	if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, o.path+"manifests/") {
		o.taken = time.Now()
	}
	return false
}

// happens does something to the Workflow of each model while its image is built, which then sleeps for a while.
func (f *failures) happens(events map[string]func(workflow string)) {
	f.Helper()
	f.eventually("the builds", patience, func() bool {
		for model, do := range events {
			for _, x := range f.workflowsOf(model) {
				if slices.ContainsFunc(f.podsOf(x.GetName()), f.sleeps) {
					do(x.GetName())
					delete(events, model)
				}
			}
		}
		return len(events) == 0
	})
}

// sleeps reports whether a build has come so far. A container that is ended before that may end in another way, and has said nothing.
func (f *failures) sleeps(pod unstructured.Unstructured) bool {
	f.Helper()
	return stack.Condition(&pod, "Ready") == "True" &&
		strings.Contains(f.person.sh("kubectl -n argo logs "+pod.GetName()+" -c main"), "sleep 45")
}

func (w *world) workflowsOf(model string) []unstructured.Unstructured {
	w.Helper()
	return slices.DeleteFunc(w.list(workflows(), ""), func(x unstructured.Unstructured) bool { return x.GetLabels()["trefoil.dev/model"] != model })
}

func (w *world) podsOf(workflow string) []unstructured.Unstructured {
	w.Helper()
	return slices.DeleteFunc(w.list(pods(), stack.NamespaceWorkflows), func(p unstructured.Unstructured) bool {
		return p.GetLabels()["workflows.argoproj.io/workflow"] != workflow
	})
}

func (f *failures) patch(workflow, with string) {
	f.Helper()
	_, err := f.stack.Kube.Resource(workflows()).Namespace(stack.NamespaceWorkflows).
		Patch(f.Context(), workflow, types.MergePatchType, []byte(with), metav1.PatchOptions{})
	f.must(err)
}

func (f *failures) deletePodsOf(workflow string) {
	f.Helper()
	for _, p := range f.podsOf(workflow) {
		f.must(f.stack.Kube.Resource(pods()).Namespace(stack.NamespaceWorkflows).Delete(f.Context(), p.GetName(), metav1.DeleteOptions{}))
	}
}

// spoil does something to the file of release 1 of each model. They are packaged only then.
func (f *failures) spoil(models map[string]func(file string) error) {
	f.Helper()
	for model, do := range models {
		f.eventually("the release of "+model, patience, func() bool { return len(f.commits(model+": release 1, experiment ")) == 1 })
		f.must(do(filepath.Join(f.polyaxon.Store, f.experiment(model), "outputs", "model.dat")))
	}
	_, err := f.git.Push(f.Context(), "package them", func(dir string) error {
		files := map[string]string{}
		for model := range models {
			files[model+".cue"] = "models: " + model + ": package: {}"
		}
		return writeFiles(dir, files)
	})
	f.must(err)
}

// experiment is that of release 1.
func (f *failures) experiment(model string) string {
	f.Helper()
	text, err := f.git.ReadFile(f.Context(), "selected/"+model+".cue")
	f.must(err)
	found := regexp.MustCompile(`experiment:\s+"([0-9a-f]{32})"`).FindStringSubmatch(text)
	if found == nil {
		f.Fatalf("no experiment in %s", text)
	}
	return found[1]
}

// told waits until every model says what its file want says, or has its image where there is none.
func (f *failures) told() {
	f.Helper()
	var got map[string]string
	for deadline := time.Now().Add(2 * patience); time.Now().Before(deadline) && f.interrupt.Err() == nil; time.Sleep(2 * time.Second) {
		got = f.states()
		if *update && f.ended() {
			f.write(got)
			return
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(f.cases)), func(m string) bool { return !f.asWanted(m, got[m]) }) {
			return
		}
	}
	for model, archive := range f.cases {
		if !f.asWanted(model, got[model]) {
			f.Errorf("%s: -want +got (want nothing: an image):\n%s", model, cmp.Diff(string(file(archive, "want")), got[model]))
		}
	}
}

func (f *failures) asWanted(model, got string) bool {
	f.Helper()
	want := string(file(f.cases[model], "want"))
	if before, open := strings.CutSuffix(want, "| ...\n"); open {
		lines, found := strings.CutPrefix(got, before)
		return found && strings.HasPrefix(lines, "| ")
	}
	return want == got && want != "" || want == "" && f.built(model)
}

// wasDown holds that the registry was down in the middle of a push, which ended well after that.
func (f *failures) wasDown() {
	f.Helper()
	f.outage.mu.Lock()
	defer f.outage.mu.Unlock()
	pushed := f.outage.taken.Sub(f.outage.since)
	f.Logf("the registry answered 503 %d times, and took the image %.0f s after the first one", f.outage.refused, pushed.Seconds())
	if f.outage.refused == 0 || pushed < time.Minute {
		f.Error("the registry was not down for a minute in the middle of a push")
	}
}

// built reports whether git knows the image of release 1.
func (f *failures) built(model string) bool {
	f.Helper()
	return len(f.commits(model+": release 1 is ")) == 1
}

// ended reports whether all Workflows have, but for those that never do, and git knows what they made.
func (f *failures) ended() bool {
	f.Helper()
	all := f.list(workflows(), "")
	return len(all) == len(f.cases) && !slices.ContainsFunc(all, func(x unstructured.Unstructured) bool {
		phase, _, _ := unstructured.NestedString(x.Object, "status", "phase")
		switch model := x.GetLabels()["trefoil.dev/model"]; {
		case slices.Contains(waiting, model), phase == "Failed", phase == "Error":
			return false
		default:
			return phase != "Succeeded" || !f.built(model)
		}
	})
}

// write writes the goldens of those that got no image.
func (f *failures) write(got map[string]string) {
	f.Helper()
	for model, archive := range f.cases {
		if f.built(model) || f.asWanted(model, got[model]) {
			continue
		}
		archive.Files = slices.DeleteFunc(archive.Files, func(x txtar.File) bool { return x.Name == "want" })
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got[model])})
		f.must(os.WriteFile("testdata/failures/cases/"+model+".txtar", txtar.Format(archive), 0o644))
	}
}

// changing is what differs from run to run: hashes, how long something takes, ports.
var changing = regexp.MustCompile(`\b(v1-)?[0-9a-f]{12,64}\b|\d+(m\d+)?s\b|\b\d{5,}\b`)

// states is what `trefoil status` says of each model, a line for each line.
func (f *failures) states() map[string]string {
	f.Helper()
	text, _ := f.trefoil("status", "-o", "json")
	var printed struct {
		States []struct {
			Model string
			State []string
		}
	}
	if err := json.Unmarshal([]byte(text), &printed); err != nil {
		return nil // what could not be seen is asked for again
	}
	got := map[string]string{}
	for _, s := range printed.States {
		got[s.Model] += changing.ReplaceAllString(strings.Join(s.State, "\n"), "{}") + "\n"
	}
	return got
}

// orphans holds that every model has one Workflow, and no pod runs but those that wait.
func (f *failures) orphans() {
	f.Helper()
	for model := range f.cases {
		all := f.workflowsOf(model)
		if len(all) != 1 {
			f.Errorf("I1: %d Workflows of %s", len(all), model)
		}
		for _, x := range all {
			for _, p := range f.podsOf(x.GetName()) {
				phase, _, _ := unstructured.NestedString(p.Object, "status", "phase")
				if (phase == "Running" || phase == "Pending") && !slices.Contains(waiting, model) {
					f.Errorf("pod %s of %s is still %s", p.GetName(), model, phase)
				}
			}
		}
	}
}

// mended does for two models what their holds say, and both end well.
func (f *failures) mended() {
	f.Helper()
	image := strings.ReplaceAll(string(file(f.cases["image"], "models.cue")), "missing:1", "tools:1")
	f.person.sh("git pull --quiet")
	f.must(os.WriteFile(filepath.Join(f.person.dir, "image.cue"), []byte(image), 0o644))
	f.person.sh("git commit --quiet --all -m 'image: as it says' && trefoil retry stop && trefoil retry image && git push --quiet")
	f.eventually("the images of both", patience, func() bool { return f.built("image") && f.built("stop") })
}
