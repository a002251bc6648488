//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// differing is a model with something of all that can differ. Its token is secret.
const differing = `models: alpha: {
	package: resources: limits: {cpu: "500m", memory: "1Gi"}
	serve: staging: {
		replicas: 2
		resources: limits: {cpu: "1000m", memory: "1Gi"}
		seldon: spec: {
			annotations: "example.com/team": "vision"
			predictors: [{name: "main", componentSpecs: [{spec: containers: [{
				name: "model"
				env: [{name: "WORKERS", value: "2"}, {name: "API_TOKEN", value: "planted-in-git"}]
			}]}]}]
		}
	}
}`

// TestDiff has the real controllers write all that they write, and people do what they do: the first is no difference, the second is
// told with who did it.
func TestDiff(t *testing.T) {
	w := quickWorld(t, map[string]string{"alpha.cue": differing}, "")
	w.steps(t, []step{
		{"to the end", diffOnTheWay}, {"controllers", diffOfControllers}, {"edits", diffOfEdits}, {"no differences", diffOfNothing},
		{"pull request", diffOfFolder}, {"a build", diffOfBuild}, {"no namespace", diffWithoutNamespace}, {"no CRD", diffWithoutCRD},
	})
}

// quiet checks that there is no difference, and that to find that out no dry-run was asked for.
func (w *world) quiet(when string) {
	w.Helper()
	before := w.dryRuns()
	if out, code := w.trefoil("diff"); code != 0 || out != "" {
		w.Errorf("%s: diff ends with %d and says\n%s", when, code, out)
	}
	time.Sleep(200 * time.Millisecond) // the audit log follows the answers
	if n := w.dryRuns() - before; n > 0 {
		w.Errorf("%s: %d dry-runs were asked for", when, n)
	}
}

func (w *world) dryRuns() int {
	w.Helper()
	n := 0
	for _, write := range w.writes() {
		if write.DryRun {
			n++
		}
	}
	return n
}

// diffOnTheWay makes pass after pass until alpha is served. After each pass that moved nothing in git there is no difference.
func diffOnTheWay(w *world) {
	passes := 0
	w.eventually("alpha is served", patience, func() bool {
		before := len(w.commits(""))
		w.trefoil("run", "--once")
		if passes++; len(w.commits("")) == before {
			w.quiet(fmt.Sprintf("after pass %d", passes))
		}
		return w.serves("ml-staging", "alpha", "1")
	})
	if w.Failed() {
		w.FailNow()
	}
}

// diffOfControllers waits for what Argo's controller and Seldon's operator write.
func diffOfControllers(w *world) {
	wrote := func(resource schema.GroupVersionResource, namespace, manager string) bool {
		list, err := w.stack.Kube.Resource(resource).Namespace(namespace).List(w.Context(), metav1.ListOptions{})
		w.must(err)
		return len(list.Items) > 0 && slices.ContainsFunc(list.Items[0].GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == manager })
	}
	w.eventually("the controllers have written", patience, func() bool {
		return wrote(workflows(), "argo", "workflow-controller") && wrote(seldonDeployments(), "ml-staging", "seldon-operator")
	})
	w.quiet("after the controllers")
}

// handEdit is what somebody does to alpha's SeldonDeployment, and the line that diff has for it.
type handEdit struct{ manager, patch, want string }

func handEdits() []handEdit {
	const predictor = "/spec/predictors/0"
	const container = predictor + "/componentSpecs/0/spec/containers/0"
	const model = "spec.predictors[main].componentSpecs[0].spec.containers[model]."
	return []handEdit{
		{"kubectl-edit", `{"op": "replace", "path": "` + predictor + `/replicas", "value": 7}`, "spec.predictors[main].replicas: 2 -> 7"},
		{"lens", `{"op": "replace", "path": "` + container + `/image", "value": "registry.example/else:1"}`,
			model + `image: "registry.example/alpha@sha256:IMAGE" -> "registry.example/else:1"`},
		{"k9s", `{"op": "replace", "path": "` + container + `/env/0/value", "value": "8"}`, model + `env[WORKERS].value: "2" -> "8"`},
		{"kubectl-patch", `{"op": "replace", "path": "` + container + `/env/1/value", "value": "planted-by-hand"}`,
			model + `env[API_TOKEN].value: "[redacted]" -> "[redacted] (value 2)"`},
		{"kubectl-label", `{"op": "replace", "path": "/metadata/labels/trefoil.dev~1release", "value": "9"}`,
			`metadata.labels[trefoil.dev/release]: "1" -> "9"`},
		{"vpa", `{"op": "replace", "path": "` + container + `/resources/limits/memory", "value": "2Gi"}`, model + `resources.limits.memory: "1Gi" -> "2Gi"`},
		{"", `{"op": "remove", "path": "/spec/annotations"}`, `spec.annotations: {"example.com/team":"vision"} -> none`},
		{"kyverno", `{"op": "add", "path": "` + container + `/imagePullPolicy", "value": "Always"}`, model + `imagePullPolicy: none -> "Always"`},
		{"helm", `{"op": "replace", "path": "/spec/protocol", "value": "tensorflow"}`, `spec.protocol: "seldon" -> "tensorflow"`},
		{"kustomize", `{"op": "remove", "path": "` + container + `/env/0"}`, model + `env[WORKERS]: {"name":"WORKERS","value":"2"} -> none`},
		{"argocd-controller", `{"op": "replace", "path": "/metadata/annotations/trefoil.dev~1digest", "value": "mine"}`,
			`metadata.annotations[trefoil.dev/digest]: "v1-DIGEST" -> "mine"`},
	}
}

// diffOfEdits has hands edit one field after the other: each is told as drift, as text and as JSON, and the next pass puts it back.
func diffOfEdits(w *world) {
	for _, e := range handEdits() {
		manager := e.manager
		if manager == "" {
			manager = "somebody" // who takes something away is nobody's name
		}
		w.patch(seldonDeployments(), "ml-staging", "alpha", manager, "["+e.patch+"]")
		out, code := w.trefoil("diff")
		who := "unknown"
		if e.manager != "" {
			who = e.manager + " at "
		}
		if text := masked(out); code != 1 || !strings.Contains(text, e.want+"  # by "+who) || strings.Count(text, "\n") != 3 {
			w.Errorf("%s: diff ends with %d and says\n%swant\n%s", e.patch, code, out, e.want)
		}
		w.driftsAs(e)
		w.eventually("it is put back", patience, func() bool {
			w.trefoil("run", "--once")
			_, code := w.trefoil("diff")
			return code == 0
		})
		w.quiet("after " + manager)
	}
}

// masked hides what differs from run to run.
func masked(text string) string {
	text = regexp.MustCompile(`@sha256:[0-9a-f]{64}`).ReplaceAllString(text, "@sha256:IMAGE")
	return regexp.MustCompile(`v1-[0-9a-f]{64}`).ReplaceAllString(text, "v1-DIGEST")
}

// driftsAs checks what JSON says of an edit.
func (w *world) driftsAs(e handEdit) {
	w.Helper()
	out, code := w.trefoil("diff", "-o", "json")
	var said struct {
		Differences []any
		Drift       []struct {
			Model, Environment, Object, Path, Manager string
			Git, Live                                 any
			Time                                      time.Time
		}
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil || code != 1 || len(said.Drift) != 1 || len(said.Differences) != 0 {
		w.Fatalf("diff -o json ends with %d and says\n%s%v", code, out, err)
	}
	d, path := said.Drift[0], e.want[:strings.Index(e.want, ": ")]
	manager := e.manager
	if manager == "" {
		manager = "unknown"
	}
	if d.Manager != manager || d.Path != path || d.Object != "SeldonDeployment ml-staging/alpha" || d.Environment != "staging" ||
		d.Time.IsZero() == (e.manager != "") || strings.Contains(out, "planted") {
		w.Errorf("diff -o json says\n%s", out)
	}
}

func (w *world) patch(resource schema.GroupVersionResource, namespace, name, manager, patch string) {
	w.Helper()
	_, err := w.stack.Kube.Resource(resource).Namespace(namespace).Patch(w.Context(), name, types.JSONPatchType, []byte(patch),
		metav1.PatchOptions{FieldManager: manager})
	w.must(err)
}

// diffOfNothing has hands do what makes no difference.
func diffOfNothing(w *world) {
	const cpu = "/spec/predictors/0/componentSpecs/0/spec/containers/0/resources/limits/cpu"
	for _, patch := range []string{
		`{"op": "add", "path": "/metadata/labels/theirs", "value": "x"}`,
		`{"op": "add", "path": "/metadata/annotations/note", "value": "x"}`,
		`{"op": "add", "path": "/spec/annotations/example.com~1more", "value": "x"}`,
		`{"op": "replace", "path": "` + cpu + `", "value": "1"}`,
	} {
		w.patch(seldonDeployments(), "ml-staging", "alpha", "somebody", "["+patch+"]")
		if out, code := w.trefoil("diff"); code != 0 || out != "" {
			w.Errorf("%s: diff ends with %d and says\n%s", patch, code, out)
		}
	}
	w.eventually("the amount is ours again", patience, func() bool {
		w.trefoil("run", "--once")
		return strings.Contains(fmt.Sprint(w.deployment("ml-staging", "alpha").Object["spec"]), "1000m")
	})
	w.quiet("after what makes no difference")
}

// folder is a copy of the specs with another alpha.
func (w *world) folder(text string) string {
	w.Helper()
	dir := w.TempDir()
	w.must(os.CopyFS(dir, os.DirFS("testdata/quick")))
	w.must(writeFiles(dir, map[string]string{"alpha.cue": text}))
	selected, err := w.git.ReadFile(w.Context(), "selected/alpha.cue")
	w.must(err)
	w.must(os.Mkdir(filepath.Join(dir, "selected"), 0o755))
	w.must(os.WriteFile(filepath.Join(dir, "selected", "alpha.cue"), []byte(selected), 0o644))
	return dir
}

// diffOfFolder compares a pull request.
func diffOfFolder(w *world) {
	dir := w.folder(strings.ReplaceAll(strings.ReplaceAll(differing, "replicas: 2", "replicas: 5"), "planted-in-git", "planted-in-a-pull-request"))
	out, code := w.trefoil("diff", "-C", dir)
	w.Logf("a pull request:\n%s", out)
	for _, line := range []string{"-    replicas: 2\n", "+    replicas: 5\n", "-            value: '[redacted]'\n", "+            value: '[redacted] (value 2)'\n"} {
		if !strings.Contains(out, line) {
			w.Errorf("diff lacks %q", line)
		}
	}
	if n := len(regexp.MustCompile(`(?m)^[-+] `).FindAllString(out, -1)); code != 1 || n != 4 || strings.Contains(out, "planted") || strings.Contains(out, "Drift") {
		w.Errorf("diff ends with %d and changes %d lines:\n%s", code, n, out)
	}
	if out, code := w.trefoil("diff", "-C", w.folder(strings.ReplaceAll(differing, `cpu: "500m"`, `cpu: "2"`))); code != 0 ||
		!strings.Contains(out, `container.resources.limits.cpu: "500m" -> "2"`) || strings.Contains(out, "--- ") {
		w.Errorf("diff of what the next build has ends with %d and says\n%s", code, out)
	}
}

// diffOfBuild edits the Workflow, which is made once and stays as it is.
func diffOfBuild(w *world) {
	list, err := w.stack.Kube.Resource(workflows()).Namespace("argo").List(w.Context(), metav1.ListOptions{})
	w.must(err)
	w.patch(workflows(), "argo", list.Items[0].GetName(), "argo-admin", `[{"op": "replace", "path": "/spec/activeDeadlineSeconds", "value": 1},
		{"op": "add", "path": "/spec/suspend", "value": true}]`)
	w.trefoil("run", "--once")
	out, code := w.trefoil("diff")
	w.Logf("drift:\n%s", out)
	if code != 1 || !strings.Contains(out, "spec.activeDeadlineSeconds: 3600 -> 1  # by argo-admin at ") ||
		!strings.Contains(out, "spec.suspend: none -> true  # by argo-admin at ") || strings.Count(out, "\n") != 4 {
		w.Errorf("diff ends with %d and says\n%s", code, out)
	}
	w.must(w.stack.Kube.Resource(workflows()).Namespace("argo").Delete(w.Context(), list.Items[0].GetName(), metav1.DeleteOptions{}))
	w.quiet("without the Workflow of what is built")
}

// diffWithoutNamespace asks for what can't be made yet; names and environments narrow it.
func diffWithoutNamespace(w *world) {
	dir := w.folder(differing + "\n" + `models: alpha: serve: production: {namespace: "nowhere", release: 1}`)
	for _, test := range []struct {
		args []string
		code int
		want []string
	}{
		{nil, 1, []string{"namespace nowhere does not exist", "+++ git SeldonDeployment nowhere/alpha"}},
		{[]string{"alpha", "--environment", "production"}, 1, []string{"+++ git SeldonDeployment nowhere/alpha"}},
		{[]string{"--environment", "staging"}, 0, nil},
		{[]string{"--environment", "nowhere"}, 2, []string{`there is no environment "nowhere"; there are: production staging`}},
	} {
		out, code := w.trefoil(append([]string{"diff", "-C", dir}, test.args...)...)
		if code != test.code || test.want == nil && out != "" {
			w.Errorf("diff %q ends with %d and says\n%s", test.args, code, out)
		}
		for _, line := range test.want {
			if !strings.Contains(out, line) {
				w.Errorf("diff %q lacks %q and says\n%s", test.args, line, out)
			}
		}
	}
}

// diffWithoutCRD takes Seldon away from the cluster: all that is served is new.
func diffWithoutCRD(w *world) {
	definitions := w.stack.Kube.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	w.must(definitions.Delete(w.Context(), "seldondeployments.machinelearning.seldon.io", metav1.DeleteOptions{}))
	w.eventually("the CRD is gone", patience, func() bool {
		out, code := w.trefoil("diff")
		return code == 1 && strings.Contains(out, "CRD seldondeployments.machinelearning.seldon.io, version v1, is not installed") &&
			strings.Contains(out, "+++ git SeldonDeployment ml-staging/alpha") && !strings.Contains(out, "planted")
	})
}
