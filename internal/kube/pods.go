package kube

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// deployed is the label by which the Seldon operator finds what it made of a SeldonDeployment, pods too.
const deployed = "seldon-deployment-id"

// podsOfOurs serve and build our models. They are only asked why one does not answer or was not built: without the right to watch them
// less is said.
func podsOfOurs() apischema.GroupVersionResource {
	return apischema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// podsBy is the index of pods by the SeldonDeployment or Workflow that they belong to.
const podsBy = "of"

func podsByOwner(object any) ([]string, error) {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return nil, nil
	}
	if workflow := u.GetLabels()[workflowName]; workflow != "" {
		return []string{workflowKey(u.GetNamespace(), workflow)}, nil
	}
	return []string{deploymentKey(u)}, nil
}

func deploymentKey(u *unstructured.Unstructured) string {
	return "SeldonDeployment " + u.GetNamespace() + "/" + u.GetLabels()[deployed]
}

func workflowKey(namespace, name string) string { return "Workflow " + namespace + "/" + name }

// slimPod leaves of a pod what trouble reads.
func slimPod(u *unstructured.Unstructured) {
	var containers []any
	for _, c := range items(u.Object, "spec", "containers") {
		containers = append(containers, map[string]any{"name": c["name"], "image": c["image"]})
	}
	u.Object["spec"] = map[string]any{"containers": containers}
	status, _ := u.Object["status"].(map[string]any)
	u.Object["status"] = map[string]any{
		"conditions":            status["conditions"],
		"containerStatuses":     status["containerStatuses"],
		"initContainerStatuses": status["initContainerStatuses"],
	}
	u.SetAnnotations(nil)
}

// trouble is why a pod does not answer.
type trouble struct {
	what  string     // in words; empty for none
	phase plan.Phase // Failed where it does not go by itself
	tail  tail       // whose last lines tell more; the zero value for nobody's
}

// troubled is the worst trouble of the pods that run the image; those of another release are going anyway.
func troubled(image string, all []*unstructured.Unstructured) trouble {
	var worst trouble
	for _, pod := range slices.SortedFunc(slices.Values(all), byName) {
		if pod.GetDeletionTimestamp() != nil || !slices.ContainsFunc(items(pod.Object, "spec", "containers"),
			func(c map[string]any) bool { return text(c, "image") == image }) {
			continue
		}
		worst = worst.or(troubleOf(pod))
	}
	return worst
}

// or is the other trouble where that is worse.
func (t trouble) or(other trouble) trouble {
	if t.what == "" || t.phase != plan.Failed && other.phase == plan.Failed {
		return other
	}
	return t
}

func troubleOf(pod *unstructured.Unstructured) trouble {
	if what := unscheduled(pod); what != "" {
		return trouble{what: what, phase: plan.Running}
	}
	var worst trouble
	for _, status := range statuses(pod) {
		worst = worst.or(containerTrouble(pod, status))
	}
	return worst
}

// unscheduled says why no node takes a pod; empty where one has.
func unscheduled(pod *unstructured.Unstructured) string {
	for _, c := range items(pod.Object, "status", "conditions") {
		if text(c, "type") == "PodScheduled" && text(c, "status") == "False" {
			return "no node takes pod " + pod.GetName() + ": " + cmp.Or(text(c, "message"), text(c, "reason"))
		}
	}
	return ""
}

// statuses are those of a pod's containers, in the order in which they start.
func statuses(pod *unstructured.Unstructured) []map[string]any {
	return slices.Concat(items(pod.Object, "status", "initContainerStatuses"), items(pod.Object, "status", "containerStatuses"))
}

// unstarted says why a container can't start, where a person has to do something about it.
func unstarted(status map[string]any) string {
	name, waits, why := text(status, "name"), text(status, "state", "waiting", "reason"), text(status, "state", "waiting", "message")
	switch waits {
	case "ErrImagePull", "ImagePullBackOff": // by turns, with the same cause
		if _, cause, found := strings.Cut(why, "ErrImagePull: "); found {
			why = cause
		}
		return fmt.Sprintf("the image of %s can't be pulled: %s", name, why)
	case "InvalidImageName", "ErrImageNeverPull":
		return fmt.Sprintf("the image of %s can't be pulled (%s): %s", name, waits, why)
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return fmt.Sprintf("%s can't be started (%s): %s", name, waits, why)
	}
	return ""
}

// containerTrouble reads the status of a container. One that crashed counts until it is ready again, also in the moments in which it runs.
func containerTrouble(pod *unstructured.Unstructured, status map[string]any) trouble {
	ready, _, _ := unstructured.NestedBool(status, "ready")
	restarts, _, _ := unstructured.NestedInt64(status, "restartCount")
	name, unstarted := text(status, "name"), unstarted(status)
	end, previous := crash(status)
	switch {
	case ready:
		return trouble{}
	case unstarted != "":
		return trouble{what: unstarted, phase: plan.Failed}
	case end != nil:
		return trouble{what: crashed(name, restarts, end), phase: plan.Failed, tail: tailOf(pod, status, previous)}
	case text(status, "state", "running", "startedAt") != "":
		return trouble{what: name + " runs and is not ready", phase: plan.Running, tail: tailOf(pod, status, false)}
	}
	return trouble{}
}

// crash is how a container ended last, and whether it was started again since or will be; nil where it has not, or well.
func crash(status map[string]any) (end map[string]any, previous bool) {
	for _, state := range []string{"state", "lastState"} {
		end, found, _ := unstructured.NestedMap(status, state, "terminated")
		if code, _, _ := unstructured.NestedInt64(end, "exitCode"); found && (code != 0 || text(end, "reason") != "Completed") {
			return end, state == "lastState"
		}
	}
	return nil, false
}

func crashed(name string, restarts int64, end map[string]any) string {
	code, _, _ := unstructured.NestedInt64(end, "exitCode")
	how := fmt.Sprintf("exit code %d", code)
	if text(end, "reason") == "OOMKilled" {
		how = "out of memory: raise resources.limits.memory; " + how
	}
	if restarts > 0 {
		how += fmt.Sprintf(", restarted %d times", restarts)
	}
	return fmt.Sprintf("%s crashes (%s)", name, how)
}
