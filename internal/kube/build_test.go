package kube

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

// TestAdvised: what people can do is said once, after what Argo says.
func TestAdvised(t *testing.T) {
	t.Parallel()
	const correct, again = "correct the image, in workflows.images or package.argo", "it is tried again"
	for message, try := range map[string]string{
		"main: Error (exit code 3)":       "",
		"main: OOMKilled (exit code 137)": "raise package.resources.limits.memory",
		"Step exceeded its deadline":      "raise package.timeout, or see what its pod waited for",
		"Stopped with strategy 'Stop'":    "",

		"the image of fetch can't be pulled: registry.example/x:1: not found":                       correct,
		"the image of fetch can't be pulled (InvalidImageName): couldn't parse it":                  correct,
		"package: ImagePullBackOff: Back-off pulling image: ErrImagePull: code = NotFound":          correct + ", and delete the Workflow",
		"the image of fetch can't be pulled: reading manifest 1: manifest unknown":                  correct,
		"the image of fetch can't be pulled: pull access denied, insufficient_scope":                correct,
		"the image of fetch can't be pulled: unexpected status from HEAD request: 401 Unauthorized": correct,
		"the image of fetch can't be pulled: unexpected status from HEAD request: 403 Forbidden":    correct,

		"the image of fetch can't be pulled: " + strings.Repeat("failed to resolve ", 20) + "not found": correct,

		"the image of fetch can't be pulled: unexpected status from HEAD request: 503 Service Unavailable": again,
		"the image of fetch can't be pulled: 429 Too Many Requests - You have reached your pull limit":     again,
		"the image of fetch can't be pulled: dial tcp 10.0.0.1:5000: i/o timeout":                          again,
		"the image of fetch can't be pulled: x509: certificate signed by unknown authority":                again,
		"package: ImagePullBackOff: Back-off pulling image":                                                again,
	} {
		want := reconcile.Line(message)
		if try != "" {
			want += "; " + try
		}
		if got := advised(message); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestBuildPods: the log is that of the container with which the youngest pod failed, main's where Argo's missed something, and a pod that
// can't start says why.
func TestBuildPods(t *testing.T) {
	t.Parallel()
	status := func(name string, code int) string {
		return fmt.Sprintf(`{name: %q, state: {terminated: {exitCode: %d}}}`, name, code)
	}
	waits := func(name, reason, message string) string {
		return fmt.Sprintf(`{name: %q, state: {waiting: {reason: %s, message: %q}}}`, name, reason, message)
	}
	pod := func(name, made string, init, containers []string) *unstructured.Unstructured {
		return parsed(t, fmt.Appendf(nil, `{apiVersion: v1, kind: Pod, metadata: {name: %q, uid: %[1]q, creationTimestamp: "2026-11-29T%sZ"},
			status: {initContainerStatuses: [%s], containerStatuses: [%s]}}`, name, made, strings.Join(init, ","), strings.Join(containers, ",")))
	}
	slim := func(u *unstructured.Unstructured) *unstructured.Unstructured {
		slimPod(u)
		return u
	}
	fine := []string{status("init", 0), status("fetch", 0)}
	for name, test := range map[string]struct {
		pods       []*unstructured.Unstructured
		log, stuck string
		builds     bool
	}{
		"main":   {pods: []*unstructured.Unstructured{pod("p", "00:00:00", fine, []string{status("wait", 0), status("main", 3)})}, log: "p main"},
		"fetch":  {pods: []*unstructured.Unstructured{pod("p", "00:00:00", []string{status("init", 0), status("fetch", 1)}, nil)}, log: "p fetch"},
		"Argo's": {pods: []*unstructured.Unstructured{pod("p", "00:00:00", fine, []string{status("wait", 64), status("main", 0)})}, log: "p main"},
		"tried again": {pods: []*unstructured.Unstructured{
			pod("b", "00:00:09", []string{status("fetch", 75)}, nil), pod("a", "00:00:01", fine, []string{status("main", 75)}),
		}, log: "b fetch"},
		"none": {log: " "},
		"garbled": {pods: []*unstructured.Unstructured{parsed(t, []byte("{kind: Pod, apiVersion: v1, status: {initContainerStatuses: [7, {}, {name: 3}]}}"))},
			log: " "},
		"an image that is not there": {pods: []*unstructured.Unstructured{pod("p", "00:00:00", []string{status("init", 0),
			waits("fetch", "ImagePullBackOff", `Back-off pulling image "none": ErrImagePull: not found`)}, nil)},
			log: " ", stuck: "the image of fetch can't be pulled: not found"},
		"a Secret that is not there": {pods: []*unstructured.Unstructured{pod("p", "00:00:00", nil, []string{
			waits("main", "CreateContainerConfigError", `secret "regcred" not found`)})},
			log: " ", stuck: `main can't be started (CreateContainerConfigError): secret "regcred" not found`},
		"a volume that is not there": {pods: []*unstructured.Unstructured{slim(parsed(t, []byte(`{kind: Pod, apiVersion: v1, metadata: {name: p, namespace: argo},
			spec: {volumes: [{secret: {secretName: regcred}}, {configMap: {name: registry-ca}}, {emptyDir: {}}, {secret: 7}, 7]},
			status: {phase: Pending, initContainerStatuses: [{name: init, state: {waiting: {reason: PodInitializing}}}], conditions: [
			{type: PodReadyToStartContainers, status: "False"}, {type: PodScheduled, status: "True", lastTransitionTime: "2026-11-23T20:00:00Z"}]}}`)))},
			log: " ", stuck: "pod p waits for its volumes or its network: does argo have Secret regcred, ConfigMap registry-ca? (try: kubectl -n argo describe pod p)"},
		"an image that is not there, beside what builds": {pods: []*unstructured.Unstructured{
			pod("b", "00:00:00", []string{waits("lint", "ErrImagePull", "not found")}, nil),
			pod("a", "00:00:00", fine, []string{`{name: main, state: {running: {startedAt: "2026-11-29T00:00:01Z"}}}`})},
			log: " ", stuck: "the image of lint can't be pulled: not found", builds: true},
		"begins": {pods: []*unstructured.Unstructured{pod("p", "00:00:00", []string{waits("init", "PodInitializing", "")}, nil)}, log: " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if x := broken(test.pods); x.pod+" "+x.container != test.log {
				t.Errorf("the log of %+v, not of %s", x, test.log)
			}
			if got := stuck(test.pods, observedAt); got != test.stuck {
				t.Errorf("%q, not %q", got, test.stuck)
			}
			if got := building(test.pods); got != test.builds {
				t.Errorf("builds %v", got)
			}
		})
	}
}
