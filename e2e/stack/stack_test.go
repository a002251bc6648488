//go:build e2e

package stack

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	workflows   = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflows"}
	deployments = schema.GroupVersionResource{Group: "machinelearning.seldon.io", Version: "v1", Resource: "seldondeployments"}
)

func TestStack(t *testing.T) {
	t.Parallel()
	ctx, cancel := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	s, err := Start(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	pids := pidsOf(s)
	t.Run("workflow succeeds", func(t *testing.T) { workflowSucceeds(within(t, ctx), t, s) })
	t.Run("workflow fails", func(t *testing.T) { workflowFails(within(t, ctx), t, s) })
	t.Run("deployment is served", func(t *testing.T) { deploymentIsServed(within(t, ctx), t, s) })
	t.Run("deployment never ready", func(t *testing.T) { deploymentNeverReady(within(t, ctx), t, s) })
	t.Run("writes are counted by user", func(t *testing.T) { writesAreCounted(within(t, ctx), t, s) })
	if err := s.Stop(t.Failed()); err != nil {
		t.Error(err)
	}
	for name, pid := range pids {
		if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process group of %s after Stop: %v, want that it is gone", name, err)
		}
	}
}

func within(t *testing.T, ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func pidsOf(s *Stack) map[string]int {
	pids := make(map[string]int)
	for name, p := range s.processes {
		pids[name] = p.pid()
	}
	return pids
}

func apply(ctx context.Context, t *testing.T, s *Stack, file string) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Kube.Apply(ctx, text); err != nil {
		t.Fatal(err)
	}
}

func finished(object *unstructured.Unstructured) bool {
	return field(object, "status", "finishedAt") != ""
}

func field(object *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(object.Object, path...)
	return value
}

func workflowSucceeds(ctx context.Context, t *testing.T, s *Stack) {
	apply(ctx, t, s, "workflow-succeeds.yaml")
	got, err := s.Kube.Await(ctx, workflows, NamespaceWorkflows, "succeeds", finished)
	if err != nil {
		t.Fatal(err)
	}
	if phase := field(got, "status", "phase"); phase != "Succeeded" {
		t.Errorf("phase %q (%s), want Succeeded", phase, field(got, "status", "message"))
	}
	outputs, _, _ := unstructured.NestedSlice(got.Object, "status", "outputs", "parameters")
	if len(outputs) != 1 {
		t.Fatalf("outputs %v, want one", outputs)
	}
	output := outputs[0].(map[string]any)
	if value, _ := output["value"].(string); output["name"] != "image-digest" || !strings.HasPrefix(value, "sha256:") {
		t.Errorf("output %v, want an image-digest", output)
	}
}

func workflowFails(ctx context.Context, t *testing.T, s *Stack) {
	apply(ctx, t, s, "workflow-fails.yaml")
	got, err := s.Kube.Await(ctx, workflows, NamespaceWorkflows, "fails", finished)
	if err != nil {
		t.Fatal(err)
	}
	phase, message := field(got, "status", "phase"), field(got, "status", "message")
	if phase != "Failed" || message != "main: Error (exit code 3): no such image" {
		t.Errorf("phase %q, message %q", phase, message)
	}
}

func deploymentIsServed(ctx context.Context, t *testing.T, s *Stack) {
	apply(ctx, t, s, "deployment-served.yaml")
	if _, err := s.Kube.Await(ctx, deployments, NamespaceProduction, "served", inState("Available")); err != nil {
		t.Error(err)
	}
}

func deploymentNeverReady(ctx context.Context, t *testing.T, s *Stack) {
	apply(ctx, t, s, "deployment-never-ready.yaml")
	if _, err := s.Kube.Await(ctx, deployments, NamespaceStaging, "never-ready", inState("Failed")); err != nil {
		t.Error(err)
	}
}

func inState(state string) func(*unstructured.Unstructured) bool {
	return func(object *unstructured.Unstructured) bool { return field(object, "status", "state") == state }
}

// writesAreCounted writes as the daemon and looks for just that in the log.
func writesAreCounted(ctx context.Context, t *testing.T, s *Stack) {
	daemon, err := newKube(s.access.config(UserDaemon))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/deployment-served.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Apply(ctx, text); err != nil {
		t.Fatal(err)
	}
	got := awaitWrites(ctx, t, s)
	want := Write{User: UserDaemon, Verb: "patch", Group: "machinelearning.seldon.io", Resource: "seldondeployments", Namespace: NamespaceProduction, Name: "served", Code: 200}
	if len(got) != 1 || got[0] != want {
		t.Errorf("writes of the daemon: %+v, want one: %+v", got, want)
	}
}

// awaitWrites returns the daemon's writes once there are any: the log is
// written after the answer.
func awaitWrites(ctx context.Context, t *testing.T, s *Stack) []Write {
	for ctx.Err() == nil {
		writes, err := s.Writes(UserDaemon)
		if err != nil {
			t.Fatal(err)
		}
		if len(writes) > 0 {
			return writes
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}
