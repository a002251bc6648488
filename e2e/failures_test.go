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
// what to try; "| ..." stands for any number of lines, which depend on the moment. Those without one end well, whatever happens to the
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
		mended := []string{"image", "secret", "stop"}
		w.told(mended)
		w.mend()
		w.told(slices.DeleteFunc(slices.Collect(maps.Keys(w.cases)), func(m string) bool { return slices.Contains(mended, m) }))
		w.wasDown()
		w.wasBusy()
		for _, model := range mended {
			w.eventually("the image of "+model+", which is mended", patience, func() bool { return w.built(model) })
		}
		w.orphans(map[string]int{"stop": 2})
	})
}

// failures is a world whose models fail.
type failures struct {
	*world
	cases  map[string]*txtar.Archive // by model
	outage *outage                   // while the image of the model push is pushed
	busy   busy                      // while the base image of the model busy is pulled
	person *laptop
}

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
	_, err = f.stack.ServeRegistryTLS("nobody", "nothing")
	f.must(err)
	f.serveBase()
	f.stack.Registry.Filter(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if lacks("/v2/unknown/", w, r) {
			return
		}
		f.busy.filter(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.outage.filter(w, r, next) }))
	})
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

// sleeps reports whether a build has said that it waits. A container that is ended before that may end in another way.
func (f *failures) sleeps(pod unstructured.Unstructured) bool {
	f.Helper()
	return stack.Condition(&pod, "Ready") == "True" &&
		strings.Contains(f.person.sh("kubectl -n argo logs "+pod.GetName()+" -c main"), "\nwaiting\n")
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

// told waits until each of the models says what its file want says, or has its image where there is none.
func (f *failures) told(models []string) {
	f.Helper()
	var got map[string]string
	for deadline := time.Now().Add(2 * patience); time.Now().Before(deadline) && f.interrupt.Err() == nil; time.Sleep(2 * time.Second) {
		got = f.states()
		if *update && f.ended() {
			f.write(got)
			return
		}
		if !slices.ContainsFunc(models, func(m string) bool { return !f.asWanted(m, got[m]) }) {
			return
		}
	}
	for _, model := range models {
		if !f.asWanted(model, got[model]) {
			f.Errorf("%s: -want +got (want nothing: an image):\n%s", model, cmp.Diff(string(file(f.cases[model], "want")), got[model]))
		}
	}
}

func (f *failures) asWanted(model, got string) bool {
	f.Helper()
	want := string(file(f.cases[model], "want"))
	if want == "" {
		return f.built(model)
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), regexp.QuoteMeta("| ...\n"), `(?:\| .*\n)*`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}

// built reports whether git knows the image of release 1.
func (f *failures) built(model string) bool {
	f.Helper()
	return len(f.commits(model+": release 1 is ")) == 1
}

// ended reports whether all Workflows have, but for those that wait for what somebody does, and git knows what they made.
func (f *failures) ended() bool {
	f.Helper()
	all := f.list(workflows(), "")
	return len(all) >= len(f.cases) && !slices.ContainsFunc(all, func(x unstructured.Unstructured) bool {
		phase, _, _ := unstructured.NestedString(x.Object, "status", "phase")
		switch model := x.GetLabels()["trefoil.dev/model"]; {
		case model == "image", model == "secret", phase == "Failed", phase == "Error":
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

// outOfMemory has a code of its own where the kernel ends all processes of a container, and not the one alone that is too large.
var outOfMemory = regexp.MustCompile(`(OOMKilled \(exit code )\d+`)

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
		state := outOfMemory.ReplaceAllString(strings.Join(s.State, "\n"), "${1}{}")
		got[s.Model] += changing.ReplaceAllString(state, "{}") + "\n"
	}
	return got
}

// orphans holds that every model has one Workflow, or as many as are told, and no pod runs.
func (f *failures) orphans(workflows map[string]int) {
	f.Helper()
	for model := range f.cases {
		all := f.workflowsOf(model)
		if len(all) != max(1, workflows[model]) {
			f.Errorf("I1: %d Workflows of %s", len(all), model)
		}
		for _, x := range all {
			for _, p := range f.podsOf(x.GetName()) {
				phase, _, _ := unstructured.NestedString(p.Object, "status", "phase")
				if phase == "Running" || phase == "Pending" {
					f.Errorf("pod %s of %s is still %s", p.GetName(), model, phase)
				}
			}
		}
	}
}

// mend does for three models what their holds say, while others still fail.
func (f *failures) mend() {
	f.Helper()
	image := strings.ReplaceAll(string(file(f.cases["image"], "models.cue")), "missing:1", "tools:1")
	f.person.sh("git pull --quiet")
	f.must(os.WriteFile(filepath.Join(f.person.dir, "image.cue"), []byte(image), 0o644))
	f.person.sh("git commit --quiet --all -m 'image: as it says' && trefoil retry stop && trefoil retry image")
	f.person.sh("until git push --quiet; do git pull --quiet --rebase; done") // Trefoil commits the images of others meanwhile
	f.person.sh("kubectl -n argo create secret docker-registry nonesuch --docker-server=10.250.0.1:5000 --docker-username=x --docker-password=y")
}
