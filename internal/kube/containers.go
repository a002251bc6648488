package kube

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

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
