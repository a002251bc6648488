//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// strangerDigest ends the names of objects of others that look like ours.
const strangerDigest = "0123456789ab"

func configMaps() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
}

// stranger is an object that is not ours, as it was made.
type stranger struct {
	resource schema.GroupVersionResource
	made     *unstructured.Unstructured
}

// foreign makes objects of others: called like ours, or with labels of ours, never with all of them.
func foreign(w *world) []stranger {
	w.Helper()
	almost := "{app.kubernetes.io/managed-by: trefoil, trefoil.dev/model: alpha, trefoil.dev/environment: staging, trefoil.dev/repository: r-0123456789abcdef}"
	unmanaged := "{trefoil.dev/model: gamma, trefoil.dev/environment: staging}"
	return []stranger{
		w.stranger(seldonDeployments(), foreignServing("ml", "alpha", "{}")),
		w.stranger(seldonDeployments(), foreignServing("ml-staging", "alpha-old", almost)),
		w.stranger(seldonDeployments(), foreignServing("ml-staging", "gamma-old", unmanaged)),
		w.stranger(workflows(), foreignWorkflow("gamma-pkg-v1-"+strangerDigest, unmanaged)),
		w.stranger(workflows(), foreignWorkflow("alpha-pkg-v1-"+strangerDigest, almost)),
		w.stranger(configMaps(), foreignClaim("gamma-v1-"+strangerDigest, unmanaged)),
		w.stranger(configMaps(), foreignClaim("alpha-v1-"+strangerDigest, almost)),
	}
}

func foreignServing(namespace, name, labels string) string {
	return fmt.Sprintf(`
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {namespace: %s, name: %s, labels: %s}
spec:
  protocol: seldon
  predictors:
  - name: main
    graph: {name: model, type: MODEL}
    componentSpecs: [{spec: {containers: [{name: model, image: "registry.example/else:1"}]}}]
`, namespace, name, labels)
}

func foreignWorkflow(name, labels string) string {
	return fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {namespace: argo, name: %s, labels: %s}
spec:
  entrypoint: main
  templates: [{name: main, container: {image: "registry.example/else:1", command: ["true"]}}]
`, name, labels)
}

func foreignClaim(name, labels string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {namespace: argo, name: %s, labels: %s}
data: {holder: somebody, expires: "2020-01-01T00:00:00Z", run: "", experiments: "3"}
`, name, labels)
}

// stranger makes an object of somebody else.
func (w *world) stranger(resource schema.GroupVersionResource, text string) stranger {
	w.Helper()
	w.must(w.stack.Kube.Apply(w.Context(), []byte(text)))
	named := regexp.MustCompile(`namespace: ([-a-z]+), name: ([-a-z0-9]+)`).FindStringSubmatch(text)
	made, err := w.stack.Kube.Resource(resource).Namespace(named[1]).Get(w.Context(), named[2], metav1.GetOptions{})
	w.must(err)
	return stranger{resource, made}
}

// untouched checks that the daemon never sent a request about the objects, and that they are what they were (I9).
func untouched(w *world, all []stranger) {
	w.Helper()
	for _, s := range all {
		made := s.made
		now, err := w.stack.Kube.Resource(s.resource).Namespace(made.GetNamespace()).Get(w.Context(), made.GetName(), metav1.GetOptions{})
		if err != nil {
			w.Errorf("I9: %v", err)
			continue
		}
		for _, f := range now.GetManagedFields() {
			if f.Manager == "trefoil" {
				w.Errorf("I9: %s %s/%s has fields of ours", s.resource.Resource, made.GetNamespace(), made.GetName())
			}
		}
		if now.GetUID() != made.GetUID() || s.resource != workflows() && now.GetGeneration() != made.GetGeneration() {
			w.Errorf("I9: %s %s/%s is not what it was", s.resource.Resource, made.GetNamespace(), made.GetName())
		}
		for _, write := range w.writes() {
			if write.Resource == s.resource.Resource && write.Namespace == made.GetNamespace() && write.Name == made.GetName() {
				w.Errorf("I9: the daemon wrote %+v", write)
			}
		}
	}
}

// occupiedObject asks for an object that is there and somebody else's: a hold, and not one write.
func occupiedObject(w *world) {
	said := len(w.log())
	w.change(change{
		message: "alpha: production, where somebody else is",
		files: map[string]string{
			"alpha.cue": `models: alpha: {select: minimum: 0.6, serve: {staging: replicas: 3, production: {namespace: "ml", release: 1}}}`,
		},
		until:   func() bool { return w.says(said, "alpha/production: hold: ") && w.says(said, "somebody else's") },
		blocked: true,
	})
	w.change(change{
		message: "alpha: no production",
		files:   map[string]string{"alpha.cue": "models: alpha: {select: minimum: 0.6, serve: staging: replicas: 3}"},
		until:   func() bool { return true },
		blocked: true,
	})
}

// occupiedClaim trains again where the name of the search's claim is taken: nothing is sent to Polyaxon.
func occupiedClaim(w *world) {
	var claim stranger
	said, before := len(w.log()), w.tally()
	_, err := w.git.Push(w.Context(), "alpha: train again", func(dir string) error {
		files := map[string]string{"alpha.cue": "models: alpha: {train: revision: 9, select: minimum: 0.6, serve: staging: replicas: 3}"}
		if err := writeFiles(dir, files); err != nil {
			return err
		}
		out, _ := w.trefoil("plan", "-C", dir)
		name := regexp.MustCompile(`alpha: rerun: 3 experiments as (\S+)`).FindStringSubmatch(out)
		if name == nil {
			return fmt.Errorf("plan says\n%s", out)
		}
		claim = w.stranger(configMaps(), foreignClaim(name[1], "{}"))
		return nil
	})
	w.must(err)
	w.eventually("the claim is somebody else's", patience, func() bool {
		return w.says(said, "alpha: hold: ") && w.says(said, "somebody else's")
	})
	w.settle()
	if after := w.tally().since(before); after.Searches != 0 || after.Calls != 0 || len(after.Writes) != 0 {
		w.Errorf("I9: the daemon did %+v", after)
	}
	untouched(w, []stranger{claim})
	w.change(change{
		message: "alpha: as it was",
		files:   map[string]string{"alpha.cue": "models: alpha: {select: minimum: 0.6, serve: staging: replicas: 3}"},
		until:   func() bool { return true },
		blocked: true,
	})
}

// drifted edits objects by hand: diff shows it, the next pass repairs it, and what controllers add is no drift.
func drifted(w *world) {
	if out, code := w.trefoil("diff"); code != 0 {
		w.Errorf("diff of a quiet system ends with %d and says\n%s", code, out)
	}
	w.kill()
	w.edit("alpha", `[{"op": "replace", "path": "/spec/predictors/0/replicas", "value": 7}]`)
	w.edit("gamma", `[{"op": "replace", "path": "/spec/predictors/0/componentSpecs/0/spec/containers/0/image", "value": "registry.example/else:1"}]`)
	out, code := w.trefoil("diff")
	if code != 1 || !strings.Contains(out, "replicas: 3 -> 7") || !strings.Contains(out, "registry.example/else:1") || strings.Contains(out, "status") {
		w.Errorf("diff of two edited objects ends with %d and says\n%s", code, out)
	}
	if n := strings.Count(out, "# by kubectl-edit at "); n != 2 || strings.Contains(out, "--- live ") {
		w.Errorf("diff tells of %d edits, there were two:\n%s", n, out)
	}
	before := w.tally()
	w.start()
	w.eventually("both are repaired", patience, func() bool {
		return w.replicas("ml-staging", "alpha") == 3 && w.serves("ml-staging", "gamma", "1")
	})
	w.settle()
	after := w.tally().since(before)
	if after.Searches+after.Experiments+after.Calls+after.Pushes != 0 || len(after.Writes) != 2 {
		w.Errorf("two repairs are %+v", after)
	}
	if out, code := w.trefoil("diff"); code != 0 {
		w.Errorf("diff of the repaired system ends with %d and says\n%s", code, out)
	}
}

// edit changes a SeldonDeployment in staging as a person does.
func (w *world) edit(name, patch string) {
	w.Helper()
	_, err := w.stack.Kube.Resource(seldonDeployments()).Namespace(stack.NamespaceStaging).Patch(w.Context(), name, types.JSONPatchType,
		[]byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	w.must(err)
}
