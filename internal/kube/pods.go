package kube

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// deployed is the label by which the Seldon operator finds what it made of a SeldonDeployment, pods too.
const deployed = "seldon-deployment-id"

// templated is the label by which a Deployment tells the pods of its present template from those of former ones.
const templated = "pod-template-hash"

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
	var containers, volumes []any
	for _, c := range items(u.Object, "spec", "containers") {
		containers = append(containers, map[string]any{"name": c["name"], "image": c["image"]})
	}
	for _, v := range items(u.Object, "spec", "volumes") {
		if mounted(v) != "" {
			volumes = append(volumes, v)
		}
	}
	u.Object["spec"] = map[string]any{"containers": containers, "volumes": volumes}
	status, _ := u.Object["status"].(map[string]any)
	u.Object["status"] = map[string]any{
		"phase":                 status["phase"],
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

// troubled is the worst trouble of the pods that run the image by the latest template of their Deployment; those of another release, or
// with other resources, are going anyway.
func troubled(image string, all []*unstructured.Unstructured, now time.Time) trouble {
	running := slices.DeleteFunc(slices.SortedFunc(slices.Values(all), byName), func(pod *unstructured.Unstructured) bool {
		return pod.GetDeletionTimestamp() != nil || !slices.ContainsFunc(items(pod.Object, "spec", "containers"),
			func(c map[string]any) bool { return text(c, "image") == image })
	})
	present := latest(running)
	var worst trouble
	for _, pod := range running {
		if by := templateOf(pod); by == present[by.deployment] {
			worst = worst.or(troubleOf(pod, now))
		}
	}
	return worst
}

// template is what a Deployment makes pods by.
type template struct{ deployment, hash string }

// templateOf is what a pod was made by: its ReplicaSet is named after that.
func templateOf(pod *unstructured.Unstructured) template {
	hash := pod.GetLabels()[templated]
	if owner := metav1.GetControllerOf(pod); owner != nil {
		return template{deployment: strings.TrimSuffix(owner.Name, "-"+hash), hash: hash}
	}
	return template{hash: hash}
}

// latest is for each Deployment the template whose oldest pod is the youngest. A pod of a former one may come back beside others of its
// kind; where it was the only one, its template is taken for the latest.
func latest(pods []*unstructured.Unstructured) map[string]template {
	oldest := map[template]time.Time{}
	for _, pod := range pods {
		by, made := templateOf(pod), pod.GetCreationTimestamp().Time
		if since, found := oldest[by]; !found || made.Before(since) {
			oldest[by] = made
		}
	}
	last := map[string]template{}
	for _, pod := range pods { // in their order, and not that of a map
		by := templateOf(pod)
		if before, found := last[by.deployment]; !found || oldest[by].After(oldest[before]) {
			last[by.deployment] = by
		}
	}
	return last
}

// or is the other trouble where that is worse.
func (t trouble) or(other trouble) trouble {
	if t.what == "" || t.phase != plan.Failed && other.phase == plan.Failed {
		return other
	}
	return t
}

func troubleOf(pod *unstructured.Unstructured, now time.Time) trouble {
	if what := waiting(pod, now); what != "" {
		return trouble{what: what, phase: plan.Running}
	}
	var worst trouble
	for _, status := range items(pod.Object, "status", "initContainerStatuses") {
		worst = worst.or(containerTrouble(pod, status, false))
	}
	for _, status := range items(pod.Object, "status", "containerStatuses") {
		worst = worst.or(containerTrouble(pod, status, true))
	}
	return worst
}

// unmade is why a Deployment can't make its pods, such as a quota, Pod Security or an account that is missing.
func unmade(made []*unstructured.Unstructured) trouble {
	for _, d := range slices.SortedFunc(slices.Values(made), byName) {
		for _, c := range items(d.Object, "status", "conditions") {
			if text(c, "type") == "ReplicaFailure" && text(c, "status") == "True" {
				what := fmt.Sprintf("Deployment %s can't make its pods: %s", d.GetName(), cmp.Or(text(c, "message"), text(c, "reason")))
				return trouble{what: what, phase: plan.Failed}
			}
		}
	}
	return trouble{}
}

// waiting says what a pod waits for before any of its containers; empty where it does not.
func waiting(pod *unstructured.Unstructured, now time.Time) string {
	return cmp.Or(unscheduled(pod), unmounted(pod, now))
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

// mounting is how long a pod with a node may take for its volumes and its network before that is told.
const mounting = time.Minute

// unmounted says that a pod has a node, and not yet its volumes or its network; empty where it has, or may have soon. The kubelet tries
// again for ever, and says what is missing in events only.
func unmounted(pod *unstructured.Unstructured, now time.Time) string {
	var since time.Time // it has a node
	begins := true
	for _, c := range items(pod.Object, "status", "conditions") {
		switch text(c, "type") + "=" + text(c, "status") {
		case "PodScheduled=True":
			since = moment(text(c, "lastTransitionTime"))
		case "PodReadyToStartContainers=False":
			begins = false
		}
	}
	if begins || since.IsZero() || now.Sub(since) < mounting || text(pod.Object, "status", "phase") != "Pending" ||
		slices.ContainsFunc(statuses(pod), begun) {
		return ""
	}
	what := fmt.Sprintf("pod %s waits for its volumes or its network", pod.GetName())
	var names []string
	for _, v := range items(pod.Object, "spec", "volumes") {
		if name := mounted(v); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		what += fmt.Sprintf(": does %s have %s?", pod.GetNamespace(), strings.Join(names, ", "))
	}
	return fmt.Sprintf("%s (try: kubectl -n %s describe pod %s)", what, pod.GetNamespace(), pod.GetName())
}

// begun reports whether a container waits no more, or for something of its own, such as an image.
func begun(status map[string]any) bool {
	reason := text(status, "state", "waiting", "reason")
	return reason != "ContainerCreating" && reason != "PodInitializing"
}

// mounted is the object without which a volume can't be mounted; empty for none that people make.
func mounted(volume map[string]any) string {
	for _, kind := range []struct{ name, source, field string }{
		{"Secret", "secret", "secretName"}, {"ConfigMap", "configMap", "name"}, {"PersistentVolumeClaim", "persistentVolumeClaim", "claimName"},
	} {
		optional, _, _ := unstructured.NestedBool(volume, kind.source, "optional")
		if name := text(volume, kind.source, kind.field); name != "" && !optional {
			return kind.name + " " + name
		}
	}
	return ""
}

// statuses are those of a pod's containers, in the order in which they start.
func statuses(pod *unstructured.Unstructured) []map[string]any {
	return slices.Concat(items(pod.Object, "status", "initContainerStatuses"), items(pod.Object, "status", "containerStatuses"))
}
