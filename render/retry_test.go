package render_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/render"
)

// TestTriedAgain: which pods Argo tries again, by what it says of them (3.7): those that are not to blame.
func TestTriedAgain(t *testing.T) {
	s := load(t, "testdata/mnist")
	again := retried(t, render.NewWorkflow(s.Model, s.Release, settings))
	for message, want := range map[string]bool{
		"pod deleted":                  true,
		"main: Error (exit code 75)":   true,
		"source: Error (exit code 75)": true,
		"fetch: Error (exit code 75): cannot fetch http://polyaxon.example/": true,
		"main: Error (exit code 2)":                                                                      true, // Argo's own program, ended at once
		"main: Error (exit code 137)":                                                                    true, // a node that ends, or somebody
		"main: Error (exit code 143)":                                                                    true,
		"Pod failed before source container starts due to PodInitializing: ":                             true, // a signal ended fetch
		"pod failed: neither main nor wait container completed successfully":                             true,
		"The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 12Ki. ":    true,
		"The node had condition: [DiskPressure]. ":                                                       true,
		"Pod was terminated in response to imminent node shutdown.":                                      true,
		"Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 1, capacity: 2": true,
		"Node node-1 which was running pod mnist-pkg-1 is unresponsive":                                  true,
		"Preempted in order to admit critical pod":                                                       true,

		"main: Error (exit code 1)":                                     false,
		"main: Error (exit code 3): exit code 75":                       false,
		"lint: Error (exit code 2)":                                     false,
		"main: Error (exit code 20)":                                    false,
		"main: Error (exit code 7)":                                     false,
		"main: Error (exit code 64): failed to find name":               false,
		"main: OOMKilled (exit code 137)":                               false,
		"fetch: Error (exit code 1): pod deleted":                       false,
		"wait: Error (exit code 64): open /none: no such":               false,
		"Step exceeded its deadline":                                    false,
		"workflow shutdown with strategy: Stop":                         false,
		"Pod was active on the node longer than the specified deadline": false,
		"": false,
	} {
		if got := again.MatchString(message); got != want {
			t.Errorf("%q: tried again %v", message, got)
		}
	}
}

// retried is the regular expression by which a Workflow's pod is tried again. Argo's expressions have Go's.
func retried(t *testing.T, workflow render.Object) *regexp.Regexp {
	t.Helper()
	spec, _ := workflow.Body["spec"].(map[string]any)
	templates, _ := spec["templates"].([]any)
	template, _ := templates[0].(map[string]any)
	strategy, _ := template["retryStrategy"].(map[string]any)
	expression, _ := strategy["expression"].(string)
	text, found := strings.CutPrefix(expression, "lastRetry.message matches '")
	text, ends := strings.CutSuffix(text, "'")
	if !found || !ends || strings.Contains(text, "'") {
		t.Fatalf("another expression: %s", expression)
	}
	return regexp.MustCompile(text)
}
