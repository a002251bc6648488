package kube

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

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

// troubled is the worst trouble of the pods that run the image by the latest template; those of another release, or with other resources,
// are going anyway.
func troubled(image string, all []*unstructured.Unstructured, now time.Time) trouble {
	running := slices.DeleteFunc(slices.SortedFunc(slices.Values(all), byName), func(pod *unstructured.Unstructured) bool {
		return pod.GetDeletionTimestamp() != nil || !slices.ContainsFunc(items(pod.Object, "spec", "containers"),
			func(c map[string]any) bool { return text(c, "image") == image })
	})
	if len(running) == 0 {
		return trouble{}
	}
	template := latest(running)
	var worst trouble
	for _, pod := range running {
		if pod.GetLabels()[templated] == template {
			worst = worst.or(troubleOf(pod, now))
		}
	}
	return worst
}

// latest is the template of pods whose first one is the youngest: a pod of a former one may come back.
func latest(pods []*unstructured.Unstructured) string {
	first := map[string]time.Time{}
	for _, pod := range pods {
		template, made := pod.GetLabels()[templated], pod.GetCreationTimestamp().Time
		if since, found := first[template]; !found || made.Before(since) {
			first[template] = made
		}
	}
	return slices.MaxFunc(slices.Sorted(maps.Keys(first)), func(a, b string) int { return first[a].Compare(first[b]) })
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

// final reports whether what is said about an image will be the same when it is asked for again. The names of images and hosts mean nothing.
func final(message string) bool { return finalWords.MatchString(names.ReplaceAllString(message, "")) }

var names = regexp.MustCompile(`\S*[/.]\S+`)

var finalWords = regexp.MustCompile(`(?i)not ?found|(?:manifest|name|tag) unknown|does not exist|denied|forbidden|unauthori[sz]ed|authori[sz]ation failed|` +
	`InvalidImageName|ErrImageNeverPull`)

// unstarted says why a container can't start, and whether a person has to do something about it.
func unstarted(status map[string]any) (what string, ends bool) {
	name, waits, why := text(status, "name"), text(status, "state", "waiting", "reason"), text(status, "state", "waiting", "message")
	switch waits {
	case "ErrImagePull", "ImagePullBackOff": // by turns, with the same cause
		if _, cause, found := strings.Cut(why, "ErrImagePull: "); found {
			why = cause
		}
		return fmt.Sprintf("the image of %s can't be pulled: %s", name, why), final(why)
	case "InvalidImageName", "ErrImageNeverPull":
		return fmt.Sprintf("the image of %s can't be pulled (%s): %s", name, waits, why), true
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return fmt.Sprintf("%s can't be started (%s): %s", name, waits, why), true
	}
	return "", false
}

// containerTrouble reads the status of a container, which serves, or ends before others begin. One that crashed counts until it is ready
// again, also in the moments in which it runs, and no longer.
func containerTrouble(pod *unstructured.Unstructured, status map[string]any, serves bool) trouble {
	ready, _, _ := unstructured.NestedBool(status, "ready")
	restarts, _, _ := unstructured.NestedInt64(status, "restartCount")
	name := text(status, "name")
	unstarted, ends := unstarted(status)
	end, previous := crash(status, serves)
	switch {
	case ready:
		return trouble{}
	case ends:
		return trouble{what: unstarted, phase: plan.Failed}
	case unstarted != "":
		return trouble{what: unstarted, phase: plan.Running}
	case end != nil && !cameUp(pod, status):
		return trouble{what: crashed(name, restarts, end), phase: plan.Failed, tail: tailOf(pod, status, previous)}
	case text(status, "state", "running", "startedAt") != "":
		return trouble{what: name + " runs and is not ready", phase: plan.Running, tail: tailOf(pod, status, false)}
	}
	return trouble{}
}

// cameUp reports whether a pod was ready since the container runs as it does: that it no longer is has nothing to do with a crash before.
func cameUp(pod *unstructured.Unstructured, status map[string]any) bool {
	began := moment(text(status, "state", "running", "startedAt"))
	return !began.IsZero() && slices.ContainsFunc(items(pod.Object, "status", "conditions"), func(c map[string]any) bool {
		return text(c, "type") == "Ready" && moment(text(c, "lastTransitionTime")).After(began)
	})
}

// crash is how a container ended last; nil where it has not, or well. One that serves never ends well. previous reports whether that was
// the run before the one that it has now, or waits for.
func crash(status map[string]any, serves bool) (end map[string]any, previous bool) {
	for _, state := range []string{"state", "lastState"} {
		end, found, _ := unstructured.NestedMap(status, state, "terminated")
		if code, _, _ := unstructured.NestedInt64(end, "exitCode"); found && (serves || code != 0 || text(end, "reason") != "Completed") {
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
	switch {
	case code == 0 && text(end, "reason") == "Completed":
		return fmt.Sprintf("%s ends by itself (%s)", name, how)
	case (code == 137 || code == 143) && text(end, "reason") == "Error": // SIGKILL, SIGTERM: the kubelet's, after a probe
		return fmt.Sprintf("%s is ended by a signal, as one that does not answer in time (%s)", name, how)
	}
	return fmt.Sprintf("%s crashes (%s)", name, how)
}
