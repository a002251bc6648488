//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/schema"
)

// BenchmarkDiff has nothing changed in fleets of models with three objects each: a Workflow and two SeldonDeployments, on a real API
// server. It measures the whole command, from the specs to the exit: cold, when it has never judged the specs before, and warm; and
// beside it kubectl diff --server-side with the same objects in a file, once. Ratios are how many times faster trefoil is; growth is the
// exponent by which its time grows with the fleet: 1 is linear.
//
//	go test -tags e2e -run '^$' -bench Diff -benchtime 1x -timeout 60m ./e2e
func BenchmarkDiff(b *testing.B) {
	s, err := stack.StartServer(b.Context(), os.Stderr)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Stop(false); err != nil {
			b.Error(err)
		}
	}()
	polyaxon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"count": 0, "results": []}`)
	}))
	defer polyaxon.Close()
	cold, warm := map[int]float64{}, map[int]float64{}
	for _, n := range []int{100, 1000, 2000} {
		f := &benchFleet{stack: s, binary: program(b), polyaxon: polyaxon.URL, dir: b.TempDir(), cache: b.TempDir(), name: fmt.Sprintf("fleet%d", n)}
		f.make(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			warm[n] = math.Inf(1)
			for b.Loop() {
				cold[n] = f.diff(b).Seconds()
				for range 3 { // the best of them: others work on this machine too
					warm[n] = min(warm[n], f.diff(b).Seconds())
				}
			}
			b.ReportMetric(cold[n], "cold-s")
			b.ReportMetric(warm[n], "warm-s")
			if n < 2000 {
				kubectl := f.kubectl(b).Seconds()
				b.ReportMetric(kubectl, "kubectl-s")
				b.ReportMetric(kubectl/cold[n], "cold-ratio")
				b.ReportMetric(kubectl/warm[n], "warm-ratio")
			}
			if n > 100 {
				b.ReportMetric(growth(cold, n), "cold-growth")
				b.ReportMetric(growth(warm, n), "warm-growth")
			}
		})
		f.remove(b)
	}
}

// growth is the exponent by which a time grows from a fleet of 100.
func growth(took map[int]float64, n int) float64 {
	return math.Log(took[n]/took[100]) / math.Log(float64(n)/100)
}

// benchFleet is a folder of specs, with all that they ask for in the cluster.
type benchFleet struct {
	stack    *stack.Stack
	binary   string
	polyaxon string
	dir      string
	cache    string
	name     string // that the names of its models begin with
	objects  []*unstructured.Unstructured
}

const fleetTemplate = `package models

models: [Name=string]: {
	train: {
		image: "python:3.12"
		command: ["python", "run.py", "--rate={{ rate }}"]
		search: {random: {experiments: 10, seed: 7}, matrix: rate: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {
		image: "registry.example/\(Name)"
		source: git: {url: "https://git.example.com/serve.git", commit: "0123456789abcdef0123456789abcdef01234567"}
	}
	serve: {staging: namespace: "ml-staging", production: {namespace: "ml", release: 1, replicas: 2}}
}
`

// make writes the specs of n models whose releases are built, and makes all that they ask for.
func (f *benchFleet) make(b *testing.B, n int) {
	b.Helper()
	models := fleetTemplate
	for i := range n {
		models += fmt.Sprintf("models: \"%s-%04d\": {}\n", f.name, i)
	}
	f.write(b, "models.cue", models)
	tree, err := gitrepo.Worktree(f.dir)
	if err != nil {
		b.Fatal(err)
	}
	catalog, err := schema.Load(b.Context(), tree)
	if err != nil || len(catalog.Models) != n {
		b.Fatalf("%d models: %v", len(catalog.Models), err)
	}
	for i, m := range catalog.Models {
		text, err := schema.Amend(nil, m.Name, schema.Selected{Latest: 1, Last: 1, Releases: []schema.Release{{
			Number: 1, Answers: m.Digests, Experiment: fmt.Sprintf("%032x", i), Params: map[string]any{"rate": 0.15},
			Metrics: map[string]float64{"accuracy": 0.9}, Artifact: schema.Artifact{Path: "model.dat", SHA256: strings.Repeat("5", 64)},
			Commit: strings.Repeat("a", 40), Image: m.Package.Image + "@sha256:" + strings.Repeat("1", 64),
		}}})
		if err != nil {
			b.Fatal(err)
		}
		f.write(b, "selected/"+m.Name+".cue", string(text))
	}
	f.render(b)
	if len(f.objects) != 3*n {
		b.Fatalf("%d models ask for %d objects", n, len(f.objects))
	}
	f.create(b)
}

func (f *benchFleet) write(b *testing.B, name, text string) {
	b.Helper()
	name = filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// trefoil is a command on the specs and the cluster.
func (f *benchFleet) trefoil(ctx context.Context, verb ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, f.binary, append(verb, "-C", f.dir, "--repo", "https://git.example.com/"+f.name+".git",
		"--kubeconfig", f.stack.Kubeconfig(stack.UserAdmin), "--polyaxon-url", f.polyaxon)...)
	cmd.Env = append(os.Environ(), "TREFOIL_CACHE_DIR="+f.cache)
	return cmd
}

// render reads what the specs ask for in the cluster, and writes it to a file for kubectl.
func (f *benchFleet) render(b *testing.B) {
	b.Helper()
	cmd := f.trefoil(b.Context(), "render", "-o", "json")
	cmd.Env = append(cmd.Env, "TREFOIL_CACHE_DIR="+b.TempDir()) // that of the fleet stays cold
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var all struct{ Objects []map[string]any }
	if err := json.Unmarshal(out, &all); err != nil {
		b.Fatal(err)
	}
	var text bytes.Buffer
	for _, o := range all.Objects {
		if o["apiVersion"] == nil { // a search
			continue
		}
		document, err := yaml.Marshal(o)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(&text, "---\n%s", document)
		u := &unstructured.Unstructured{}
		line, _ := json.Marshal(o) // it was JSON
		if err := u.UnmarshalJSON(line); err != nil {
			b.Fatal(err)
		}
		f.objects = append(f.objects, u)
	}
	f.write(b, "../"+f.name+".yaml", text.String())
}

func (f *benchFleet) manager() string {
	return "trefoil-" + f.objects[0].GetLabels()["trefoil.dev/repository"]
}

// create makes the objects as the daemon does, and their status as controllers do.
func (f *benchFleet) create(b *testing.B) {
	b.Helper()
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(8)
	for _, u := range f.objects {
		group.Go(func() error {
			if u.GetKind() == "Workflow" {
				made := u.DeepCopy()
				all := f.stack.Kube.Resource(workflows()).Namespace(u.GetNamespace())
				made, err := all.Create(ctx, made, metav1.CreateOptions{FieldManager: f.manager()})
				if err != nil {
					return err
				}
				made.Object["status"] = map[string]any{"phase": "Succeeded", "finishedAt": "2026-11-28T13:43:40Z", "nodes": map[string]any{
					u.GetName(): map[string]any{"type": "Pod", "phase": "Succeeded", "displayName": u.GetName()},
				}, "outputs": map[string]any{"parameters": []any{map[string]any{"name": "image-digest", "value": "sha256:" + strings.Repeat("1", 64)}}}}
				_, err = all.Update(ctx, made, metav1.UpdateOptions{FieldManager: "workflow-controller"})
				return err
			}
			all := f.stack.Kube.Resource(seldonDeployments()).Namespace(u.GetNamespace())
			made, err := all.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: f.manager()})
			if err != nil {
				return err
			}
			made.Object["status"] = map[string]any{"state": "Available", "replicas": int64(1)}
			_, err = all.UpdateStatus(ctx, made, metav1.UpdateOptions{FieldManager: "seldon-operator"})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// remove takes the objects away, so that the next fleet is alone.
func (f *benchFleet) remove(b *testing.B) {
	b.Helper()
	for _, namespace := range []string{stack.NamespaceWorkflows, stack.NamespaceStaging, stack.NamespaceProduction} {
		for _, resource := range []string{"workflows", "seldondeployments"} {
			served := workflows()
			if resource == "seldondeployments" {
				served = seldonDeployments()
			}
			if err := f.stack.Kube.Resource(served).Namespace(namespace).DeleteCollection(b.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// diff is how long trefoil takes to find no difference.
func (f *benchFleet) diff(b *testing.B) time.Duration {
	b.Helper()
	begin := time.Now()
	if out, err := f.trefoil(b.Context(), "diff").CombinedOutput(); err != nil || len(out) > 0 {
		b.Fatalf("diff: %v\n%.2000s", err, out)
	}
	return time.Since(begin)
}

// kubectl is how long kubectl takes to find no difference between the same objects.
func (f *benchFleet) kubectl(b *testing.B) time.Duration {
	b.Helper()
	begin := time.Now()
	cmd := exec.CommandContext(b.Context(), f.stack.Binaries().Path("kubectl"), "--kubeconfig", f.stack.Kubeconfig(stack.UserAdmin), "diff", "--server-side",
		"--field-manager", f.manager(), "--force-conflicts", "-f", filepath.Join(filepath.Dir(f.dir), f.name+".yaml"))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Logf("kubectl diff: %v\n%.2000s", err, out)
	}
	return time.Since(begin)
}
