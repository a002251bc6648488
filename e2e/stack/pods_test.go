//go:build e2e

package stack

import (
	"context"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestPods runs the least that Argo and Seldon do, in real pods. What they do for Trefoil is tested in e2e.
func TestPods(t *testing.T) {
	Isolate(t, func() {
		s := startPods(t)
		t.Run("workflow succeeds", func(t *testing.T) { podWorkflowSucceeds(longer(t), t, s) })
		t.Run("deployment answers", func(t *testing.T) { podDeploymentAnswers(longer(t), t, s) })
		t.Run("kubectl reaches into pods", func(t *testing.T) { podIsReached(longer(t), t, s) })
	})
}

func startPods(t *testing.T) *Stack {
	t.Helper()
	s, err := StartPods(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// longer bounds what real pods do.
func longer(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func podWorkflowSucceeds(ctx context.Context, t *testing.T, s *Stack) {
	began := time.Now()
	apply(ctx, t, s, "pods-workflow.yaml")
	got, err := s.Kube.Await(ctx, workflows, NamespaceWorkflows, "one-step", finished)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("in %.1f s", time.Since(began).Seconds())
	outputs, _, _ := unstructured.NestedSlice(got.Object, "status", "outputs", "parameters")
	if phase := field(got, "status", "phase"); phase != "Succeeded" || len(outputs) != 1 {
		t.Fatalf("phase %q (%s), outputs %v; want Succeeded with one", phase, field(got, "status", "message"), outputs)
	}
	if digest := outputs[0].(map[string]any)["value"]; digest != "sha256:0123" {
		t.Errorf("the output is %q", digest)
	}
}

// podDeploymentAnswers asks the model through its Service, and which image answered.
func podDeploymentAnswers(ctx context.Context, t *testing.T, s *Stack) {
	began := time.Now()
	apply(ctx, t, s, "pods-deployment.yaml")
	if _, err := s.Kube.Await(ctx, deployments, NamespaceProduction, "adder", inState("Available")); err != nil {
		t.Fatal(err)
	}
	t.Logf("available in %.1f s", time.Since(began).Seconds())
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	service, err := s.Kube.Await(ctx, services, NamespaceProduction, "adder-main", exists)
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + field(service, "spec", "clusterIP") + ":9000/api/v1.0/predictions"
	response, err := http.Post(url, "application/json", strings.NewReader(`{"data": {"ndarray": [[1, 2, 3]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"data":{"names":["t:0"],"ndarray":[[6]]},"meta":{"requestPath":{"model":"` + ImageServer + `"}}}`
	if strings.TrimSpace(string(got)) != want {
		t.Errorf("it answers %s, not %s", got, want)
	}
}

// podIsReached has kubectl do what goes through the API server to the kubelet.
func podIsReached(ctx context.Context, t *testing.T, s *Stack) {
	kubectl := func(args ...string) []string {
		return append([]string{s.Binaries().Path("kubectl"), "--kubeconfig=" + s.Kubeconfig(UserAdmin)}, args...)
	}
	for want, args := range map[string][]string{
		"sha256:0123": kubectl("logs", "--namespace=argo", "--selector=workflows.argoproj.io/workflow=one-step", "--container=main"),
		"Adder.py":    kubectl("exec", "--namespace=ml", "deployment/adder-main-0-model", "--", "ls", "/microservice"),
	} {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v, and not %s in\n%s", args, err, want, out)
		}
	}
	forward, err := start(ctx, s.Dir(), "port-forward", nil, kubectl("port-forward", "--namespace=ml", "service/adder-main", "19000:9000")...)
	if err != nil {
		t.Fatal(err)
	}
	defer forward.kill()
	ready := answers("http://127.0.0.1:19000/health/status")
	if err := waitReady(ctx, forward, ready.what, ready.probe); err != nil {
		t.Error(err)
	}
}
