package kube

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// workflow maps an Argo Workflow.
func workflow(u *unstructured.Unstructured) plan.Observed {
	o := observed(render.Workflow, u)
	switch text(u.Object, "status", "phase") {
	case "Succeeded":
		o.Phase, o.Image, o.Message = pushed(u)
	case "Failed", "Error":
		o.Phase, o.Message = plan.Failed, words(u, "Failed", "Error")
	default: // none yet, Pending, Running; what a later Argo may invent has not ended either
		o.Message = words(u, "Pending", "Failed", "Error") // of pods that Argo tries again too
		return o
	}
	o.Ended = moment(text(u.Object, "status", "finishedAt"))
	return o
}

// pushed is the image that a succeeded Workflow made, by the digest that it reported. Without one there is nothing to serve: that is a failure. A failed
// Workflow lists the output too, without a value.
func pushed(u *unstructured.Unstructured) (plan.Phase, string, string) {
	for _, output := range items(u.Object, "status", "outputs", "parameters") {
		if output["name"] != render.OutputDigest {
			continue
		}
		value := strings.TrimSpace(text(output, "value"))
		repository := u.GetAnnotations()[render.AnnotationImage]
		switch sum, found := strings.CutPrefix(value, "sha256:"); {
		case !found || !isSHA256(sum):
			return plan.Failed, "", reconcile.Line("succeeded with an output " + render.OutputDigest + " that is no digest: " + value)
		case strings.Contains(repository, "@"): // edited; what it was made to push to, git knows
			repository = ""
		}
		return plan.Succeeded, repository + "@" + value, ""
	}
	return plan.Failed, "", "succeeded without output " + render.OutputDigest
}

// words are Argo's own: those of the pods in one of the phases, after the Workflow's message where that says more. A missing image is only
// told by the pod; the Workflow goes on Running.
func words(u *unstructured.Unstructured, phases ...string) string {
	var all []string
	told := map[string]bool{"": true}
	whole := text(u.Object, "status", "message")
	if !ofRetries(whole) && !told[whole] {
		all, told[whole] = append(all, whole), true
	}
	tries := 1
	for _, node := range pods(u) {
		tries = max(tries, try(node))
		message := text(node, "message")
		if message == "Pod was active on the node longer than the specified deadline" { // it depends on who saw it first
			message = "Step exceeded its deadline"
		}
		if !told[message] && slices.Contains(phases, text(node, "phase")) {
			all, told[message] = append(all, podName(node)+": "+message), true
		}
	}
	if tries > 1 && ranOut(whole) {
		all = append(all, fmt.Sprintf("tried %d times", tries))
	}
	return advised(redact.Assigned(strings.Join(all, "; ")))
}

// ofRetries reports whether Argo says of a Workflow only that its pod is not tried again: it is the pod that has something to say.
func ofRetries(message string) bool {
	return strings.HasPrefix(message, "retryStrategy.expression") || ranOut(message)
}

// ranOut reports whether Argo says of a Workflow that its pod would be tried again, were there tries or time left.
func ranOut(message string) bool {
	return message == "No more retries left" || strings.HasPrefix(message, "retry exceeded workflow deadline")
}

// podName is the template that a pod runs, and which try of it, from the second on.
func podName(node map[string]any) string {
	name := cmp.Or(text(node, "templateName"), text(node, "displayName"))
	if n := try(node); n > 1 {
		return fmt.Sprintf("%s, try %d", name, n)
	}
	return name
}

// try is which one of its template a pod is.
func try(node map[string]any) int {
	shown := text(node, "displayName")
	if i := strings.LastIndexByte(shown, '('); i >= 0 {
		return number(strings.TrimSuffix(shown[i+1:], ")")) + 1
	}
	return 1
}

// pods are the Workflow's nodes that are pods, by name.
func pods(u *unstructured.Unstructured) []map[string]any {
	nodes, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "nodes") // an error says that something else is there
	byID, _ := nodes.(map[string]any)
	var all []map[string]any
	for _, node := range byID {
		if m, ok := node.(map[string]any); ok && text(m, "type") == "Pod" {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b map[string]any) int {
		return cmp.Or(cmp.Compare(text(a, "name"), text(b, "name")), cmp.Compare(text(a, "id"), text(b, "id")))
	})
	return all
}
