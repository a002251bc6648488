//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// tally is what the daemon made the servers do, by their own account.
type tally struct {
	Searches    int      // that Polyaxon lists
	Experiments int      // whose process was started
	Calls       int      // of Polyaxon that can change something
	Pushes      int      // to the git server
	Writes      []string // to the API server, sorted: "patch seldondeployments ml-staging/alpha"
}

func (w *world) tally() tally {
	w.Helper()
	t := tally{Searches: len(w.runs("kind:matrix")), Experiments: w.agent.Begun(), Calls: w.counter.Writes(), Pushes: w.git.Traffic().Pushes}
	for _, write := range w.writes() {
		if write.DryRun {
			continue
		}
		name, _, _ := strings.Cut(write.Name, "-v1-") // what follows is a digest
		t.Writes = append(t.Writes, fmt.Sprintf("%s %s %s/%s", write.Verb, write.Resource, write.Namespace, name))
	}
	return t
}

// since is what was done after before.
func (t tally) since(before tally) tally {
	return tally{
		t.Searches - before.Searches, t.Experiments - before.Experiments, t.Calls - before.Calls, t.Pushes - before.Pushes,
		slices.Sorted(slices.Values(t.Writes[len(before.Writes):])),
	}
}

// change is a commit of a person, and all that follows from it.
type change struct {
	message string
	files   map[string]string // whole contents, without the package; an empty one is deleted
	until   func() bool       // all that is to happen has happened
	want    tally
	blocked bool // by what others did past git, so that it could not be foretold
}

// change pushes a commit and waits for what follows from it, and then for some passes in which nothing more may follow. What it did is
// what `plan --base` said beforehand.
func (w *world) change(c change) {
	w.Helper()
	foretold := w.foretell(c.message, c.files)
	before, said := w.tally(), len(w.log())
	w.write(c.message, c.files)
	w.eventually(c.message, patience, c.until)
	w.settle()
	if diff := cmp.Diff(c.want, w.tally().since(before)); diff != "" {
		w.Errorf("%s: the servers did (-want +got)\n%s", c.message, diff)
	}
	if !c.blocked {
		foretold.come(w, w.log()[said:])
	}
}

// write pushes whole files.
func (w *world) write(message string, files map[string]string) {
	w.Helper()
	_, err := w.git.Push(w.Context(), message, func(dir string) error { return writeFiles(dir, files) })
	w.must(err)
}

func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		if text == "" {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("package models\n\n"+text+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// settle waits for three more passes: what the one that is under way missed the next one sees, and what that one does the third.
func (w *world) settle() {
	w.Helper()
	enough := w.looks() + 4
	w.eventually("three more passes", patience, func() bool { return w.looks() >= enough })
	time.Sleep(time.Second) // the audit log follows the answers
}

// looks are the passes that began, by the git server's account: each lists the branch once.
func (w *world) looks() int { return w.git.Traffic().Listings }

// says waits until the daemon's log has grown by a text after it was that long.
func (w *world) says(after int, text string) bool { return strings.Contains(w.log()[after:], text) }

// deployment is a SeldonDeployment; nil where there is none.
func (w *world) deployment(namespace, name string) *unstructured.Unstructured {
	w.Helper()
	for _, u := range w.list(seldonDeployments(), namespace) {
		if u.GetName() == name {
			return &u
		}
	}
	return nil
}

// image is what a SeldonDeployment serves, and release the number that it is labelled with; empty where there is none.
func (w *world) image(namespace, name string) (image, release string) {
	w.Helper()
	u := w.deployment(namespace, name)
	if u == nil {
		return "", ""
	}
	predictors, _, _ := unstructured.NestedSlice(u.Object, "spec", "predictors")
	components, _, _ := unstructured.NestedSlice(predictors[0].(map[string]any), "componentSpecs")
	containers, _, _ := unstructured.NestedSlice(components[0].(map[string]any), "spec", "containers")
	image, _ = containers[0].(map[string]any)["image"].(string)
	return image, u.GetLabels()["trefoil.dev/release"]
}

// serves reports whether a release, with the image that git records for it, is Available.
func (w *world) serves(namespace, name, number string) bool {
	w.Helper()
	image, release := w.image(namespace, name)
	if release != number {
		return false
	}
	selected, err := w.git.ReadFile(w.Context(), "selected/"+name+".cue")
	w.must(err)
	if !strings.Contains(selected, image) {
		w.Errorf("I4: %s/%s serves %s, which no commit selected", namespace, name, image)
	}
	state, _, _ := unstructured.NestedString(w.deployment(namespace, name).Object, "status", "state")
	return state == "Available"
}

// replicas are those that a SeldonDeployment asks for; -1 where there is none.
func (w *world) replicas(namespace, name string) int64 {
	w.Helper()
	u := w.deployment(namespace, name)
	if u == nil {
		return -1
	}
	predictors, _, _ := unstructured.NestedSlice(u.Object, "spec", "predictors")
	n, _, _ := unstructured.NestedInt64(predictors[0].(map[string]any), "replicas")
	return n
}

// versions are the resourceVersions of all Workflows and SeldonDeployments, by namespace and name.
func (w *world) versions() map[string]string {
	w.Helper()
	all := map[string]string{}
	for _, resource := range []string{"workflows", "seldondeployments"} {
		served := workflows()
		if resource == "seldondeployments" {
			served = seldonDeployments()
		}
		list, err := w.stack.Kube.Resource(served).List(w.Context(), metav1.ListOptions{})
		w.must(err)
		for _, u := range list.Items {
			all[resource+" "+u.GetNamespace()+"/"+u.GetName()] = u.GetResourceVersion()
		}
	}
	return all
}

// steps runs functions one after another on the world, each as a test; those after one that failed build on it and are left out.
func (w *world) steps(t *testing.T, all []step) {
	t.Helper()
	for _, step := range all {
		if !t.Run(step.name, func(t *testing.T) { inner := *w; inner.T = t; step.run(&inner); w.daemon = inner.daemon }) {
			return
		}
	}
}

type step struct {
	name string
	run  func(*world)
}

// quickWorld is a world whose repository is testdata/quick with more files, and that is looked at each second.
func quickWorld(t *testing.T, files map[string]string, settings string) *world {
	t.Helper()
	w := newWorld(t, startStack(t), true)
	w.configureWith(w.git.URL(), w.counter.URL(), w.stack.Kubeconfig(stack.UserDaemon), settings)
	_, err := w.git.Push(w.Context(), "the first models", func(dir string) error {
		if err := os.CopyFS(dir, os.DirFS("testdata/quick")); err != nil {
			return err
		}
		return writeFiles(dir, files)
	})
	w.must(err)
	return w
}

// configureWith writes the configuration anew.
func (w *world) configureWith(git, polyaxon, kubeconfig, more string) {
	w.Helper()
	w.must(os.WriteFile(w.config, fmt.Appendf(nil, `
repository:
  url: %s
  author: {name: Trefoil, email: trefoil@example.com}
poll: 1s
polyaxon: {url: %s}
kubernetes: {kubeconfig: %s}
workflows: {namespace: %s}
%s`, git, polyaxon, kubeconfig, stack.NamespaceWorkflows, more), 0o600))
}
