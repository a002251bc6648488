package kube

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// podsListed of a Workflow are as many as it makes, with those that Argo tried again.
const podsListed = 20

// podsOf selects the pods of a Workflow, by the label that Argo gives them.
func podsOf(workflow string) string {
	return labels.Set{"workflows.argoproj.io/workflow": workflow}.String()
}

// broken is the log of the container with which the youngest pod failed; the zero value where none did. Those that Argo adds are not
// meant: what they have to say is in the Workflow.
func broken(pods []corev1.Pod) tail {
	var last tail
	var when int64
	for _, pod := range pods {
		if made := pod.CreationTimestamp.Unix(); last == (tail{}) || made >= when {
			if name := failedContainer(pod); name != "" {
				last, when = tail{namespace: pod.Namespace, pod: pod.Name, uid: string(pod.UID), container: name}, made
			}
		}
	}
	return last
}

func failedContainer(pod corev1.Pod) string {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, c := range list {
			if end := c.State.Terminated; end != nil && end.ExitCode != 0 && c.Name != "init" && c.Name != "wait" {
				return c.Name
			}
		}
	}
	return ""
}

// ended puts the last lines of the step that failed to what is said of a Workflow.
func (e *Engine) ended(o plan.Observed) plan.Observed {
	if o.Phase == plan.Failed && e.logs != nil {
		o.Log = strings.Join(e.tails.of(o.UID, 0, func(ctx context.Context) (string, error) {
			return e.logs.ofWorkflow(ctx, o.Ref.Namespace, o.Ref.Name)
		}), "\n")
	}
	return o
}

// lines are the last ones that a container of a served model printed.
func (e *Engine) lines(x tail) []string {
	if x == (tail{}) || e.logs == nil {
		return nil
	}
	return e.tails.of(x.uid+"/"+x.container, x.restarts, func(ctx context.Context) (string, error) { return e.logs.tail(ctx, x) })
}

// advised is a message with what people can do about it: about the words of Argo (of 3.5 to 3.7) and of the kubelet.
func advised(message string) string {
	for _, advice := range []struct{ words, try string }{
		{"OOMKilled", "raise package.resources.limits.memory"},
		{"exceeded its deadline", "raise package.timeout"},
		{"exceeded workflow deadline", "raise package.timeout"},
		{"longer than the specified deadline", "raise package.timeout"},
		{"workflowtaskresults.argoproj.io is forbidden", "trefoil render --platform prints the Role that its account lacks"},
		{"ImagePull", "correct the image, in workflows.images or package.argo, and delete the Workflow"},
		{"InvalidImageName", "correct the image, in workflows.images or package.argo, and delete the Workflow"},
	} {
		if strings.Contains(message, advice.words) {
			return message + "; " + advice.try
		}
	}
	return message
}
