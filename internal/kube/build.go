package kube

import (
	"context"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// workflowName is the label that Argo gives to the pods of a Workflow.
const workflowName = "workflows.argoproj.io/workflow"

// built puts to what is said of a Workflow what its pods tell: why one does not start, or the last lines of the step that failed.
func (e *Engine) built(o plan.Observed) plan.Observed {
	if o.Phase == plan.Succeeded {
		return o
	}
	pods, _ := e.watches[podsOfOurs()].indexed(podsBy, workflowKey(o.Ref.Namespace, o.Ref.Name)) // the index is there
	if o.Phase == plan.Failed {
		o.Log = strings.Join(e.lines(broken(pods)), "\n")
	} else if what := stuck(pods, time.Now()); what != "" {
		o.Message, o.Stuck = advised(redact.Assigned(what)), !building(pods)
	}
	return o
}

// broken is the log of the container with which the youngest pod failed; the zero value where none did.
func broken(pods []*unstructured.Unstructured) tail {
	var last tail
	var when time.Time
	for _, pod := range slices.SortedFunc(slices.Values(pods), byName) {
		made := pod.GetCreationTimestamp()
		if failed := failedContainer(pod); failed != nil && !made.Time.Before(when) {
			last, when = tailOf(pod, failed, false), made.Time
		}
	}
	return last
}

// failedContainer is the status of the one with which a pod failed; nil where none did. What those that Argo adds have to say is in the
// Workflow: where wait misses what main was to write, main's words tell more.
func failedContainer(pod *unstructured.Unstructured) map[string]any {
	var main map[string]any
	waitFailed := false
	for _, c := range statuses(pod) {
		code, _, _ := unstructured.NestedInt64(c, "state", "terminated", "exitCode") // an error says that something else is there
		switch name := text(c, "name"); {
		case name == "wait":
			waitFailed = code != 0
		case code != 0 && name != "init":
			return c
		case name == "main":
			main = c
		}
	}
	if waitFailed {
		return main
	}
	return nil
}

// stuck says why a pod waits that will not go on by itself soon; empty where none does. Argo does not tell it of init containers.
func stuck(pods []*unstructured.Unstructured, now time.Time) string {
	for _, pod := range slices.SortedFunc(slices.Values(pods), byName) {
		if what := waiting(pod, now); what != "" {
			return what
		}
		for _, c := range statuses(pod) {
			if what, _ := unstarted(c); what != "" {
				return what
			}
		}
	}
	return ""
}

// building reports whether the container that builds runs in a pod.
func building(pods []*unstructured.Unstructured) bool {
	return slices.ContainsFunc(pods, func(pod *unstructured.Unstructured) bool {
		return slices.ContainsFunc(statuses(pod), func(c map[string]any) bool {
			return text(c, "name") == "main" && text(c, "state", "running", "startedAt") != ""
		})
	})
}

// lines are the last ones that a container printed.
func (e *Engine) lines(x tail) []string {
	if x == (tail{}) || e.logs == nil {
		return nil
	}
	return e.tails.of(x.uid+"/"+x.container, x.run, func(ctx context.Context) (string, error) { return e.logs.tail(ctx, x) })
}

// advised is a line of a message with what people can do about it: about the words of Argo (of 3.5 to 3.7) and of the kubelet, all of them,
// since the cause is often the last.
func advised(message string) string {
	line := reconcile.Line(message)
	if strings.Contains(message, "can't be pulled") || strings.Contains(message, "ImagePull") {
		return line + "; " + aboutImage(message)
	}
	for _, advice := range []struct{ words, try string }{
		{"OOMKilled", "raise package.resources.limits.memory"},
		{"exceeded its deadline", "raise package.timeout, or see what its pod waited for"}, // it is gone
		{"outputs/parameters/", "its builder, or what package.argo asks for, has to write that file"},
		{"workflowtaskresults.argoproj.io is forbidden", "trefoil render --platform prints the Role that its account lacks"},
	} {
		if strings.Contains(message, advice.words) {
			return line + "; " + advice.try
		}
	}
	return line
}

// aboutImage is what people can do about one that can't be pulled. A registry that is down, or busy, is asked again by the kubelet.
func aboutImage(message string) string {
	switch {
	case !final(message):
		return "it is tried again"
	case strings.Contains(message, "can't be pulled"): // our words on its pods: a later attempt takes its place
		return "correct the image, in workflows.images or package.argo"
	}
	return "correct the image, in workflows.images or package.argo, and delete the Workflow"
}
