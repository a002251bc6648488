package kube

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// seldonDeployment maps a SeldonDeployment and the Deployments that the operator made of it.
//
// Its own word is not enough: state stays Available while a new image rolls out, and no observed generation tells for which spec it
// was written. So it has Succeeded only once every Deployment is rolled out with the replicas that are asked for, and one runs
// the image.
func seldonDeployment(u *unstructured.Unstructured, made []*unstructured.Unstructured) plan.Observed {
	o := observed(render.SeldonDeployment, u)
	asked := containers(u)
	o.Image = asked.main.image
	o.Message = reconcile.Line(text(u.Object, "status", "description"))
	switch text(u.Object, "status", "state") {
	case "Failed":
		o.Phase = plan.Failed
	case "Available":
		if waits := asked.rollingOut(made); waits != "" {
			o.Message = reconcile.Line(waits)
		} else {
			o.Phase, o.Message = plan.Succeeded, ""
		}
	}
	return o
}

// diagnosed says of a SeldonDeployment that does not serve what is the matter with its pods, as far as they may be seen, or keeps them from
// being made.
func (e *Engine) diagnosed(o plan.Observed, made []*unstructured.Unstructured) plan.Observed {
	if o.Phase == plan.Succeeded {
		return o
	}
	var all []*unstructured.Unstructured
	for _, d := range made {
		running, _ := e.watches[podsOfOurs()].indexed(podsBy, deploymentKey(d)) // the index is there
		all = append(all, running...)
	}
	return told(o, unmade(made).or(troubled(o.Image, all, time.Now())), e.lines)
}

// told puts the trouble, with the last words of whom it is about, in place of what the engine says.
func told(o plan.Observed, t trouble, lines func(tail) []string) plan.Observed {
	if t.what == "" {
		return o
	}
	if t.phase == plan.Failed || o.Phase == plan.Failed { // one that still starts says other things soon
		if said := lastWords(lines(t.tail)); said != "" {
			t.what += ": " + said
		}
	}
	o.Message = reconcile.Line(redact.Assigned(t.what))
	if t.phase == plan.Failed {
		o.Phase = plan.Failed
	}
	return o
}

// container is what matters of a container.
type container struct{ name, image string }

// wanted are the containers that a SeldonDeployment asks for. The main one serves the model.
type wanted struct {
	main     container
	all      []container
	replicas []int64 // of the predictors; none where an autoscaler decides
	fewest   int64   // that an autoscaler may leave, of all predictors; 0 where none decides
}

func containers(u *unstructured.Unstructured) wanted {
	var w wanted
	scales := false
	for _, predictor := range items(u.Object, "spec", "predictors") {
		if n, found, err := unstructured.NestedInt64(predictor, "replicas"); found && err == nil {
			w.replicas = append(w.replicas, n)
		}
		for _, component := range items(predictor, "componentSpecs") {
			if component["hpaSpec"] != nil || component["kedaSpec"] != nil {
				scales, w.fewest = true, 1
				if n, found, err := unstructured.NestedInt64(component, "hpaSpec", "minReplicas"); found && err == nil {
					w.fewest = max(1, n)
				}
			}
			for _, c := range items(component, "spec", "containers") {
				w.all = append(w.all, container{text(c, "name"), text(c, "image")})
			}
		}
	}
	if len(w.all) > 0 {
		w.main = w.all[0]
	}
	if scales {
		w.replicas = nil
	}
	return w
}

// rollingOut says what the SeldonDeployment waits for; empty when its Deployments run what is asked for.
func (w wanted) rollingOut(made []*unstructured.Unstructured) string {
	serves := false
	for _, u := range slices.SortedFunc(slices.Values(made), byName) {
		if waits := rollout(u, w.least(u)); waits != "" {
			return fmt.Sprintf("Deployment %s %s", u.GetName(), waits)
		}
		if n := replicas(u); len(w.replicas) > 0 && !slices.Contains(w.replicas, n) {
			return fmt.Sprintf("Deployment %s still asks for replicas: %d", u.GetName(), n)
		}
		for _, c := range items(u.Object, "spec", "template", "spec", "containers") {
			has := container{text(c, "name"), text(c, "image")}
			if w.names(has.name) && !slices.Contains(w.all, has) {
				return fmt.Sprintf("Deployment %s still runs %s", u.GetName(), has.image)
			}
			serves = serves || has == w.main
		}
	}
	if !serves {
		return "no Deployment with our labels runs " + w.main.image + " yet"
	}
	return ""
}

// names reports whether a container of that name is asked for. Others are the operator's own.
func (w wanted) names(name string) bool {
	return slices.ContainsFunc(w.all, func(c container) bool { return c.name == name })
}

// least is how many available replicas of a Deployment are enough: all, but where an autoscaler has just added some they may still start.
func (w wanted) least(d *unstructured.Unstructured) int64 {
	if w.fewest > 0 {
		return min(w.fewest, replicas(d))
	}
	return replicas(d)
}

// rollout says why a Deployment does not run its present spec, and only that, on enough replicas; empty when it does. It reads the
// few fields that it needs: converting each Deployment is what would cost most of a pass.
func rollout(d *unstructured.Unstructured, enough int64) string {
	status := func(field string) int64 {
		n, _, _ := unstructured.NestedInt64(d.Object, "status", field) // zero where there is none yet
		return n
	}
	switch updated, all := status("updatedReplicas"), status("replicas"); {
	case d.GetDeletionTimestamp() != nil:
		return "is being deleted"
	case status("observedGeneration") < d.GetGeneration():
		return "has not been looked at since its last change"
	case updated < enough || all > updated:
		return fmt.Sprintf("rolls out: %d of %d replicas updated, %d in all", updated, enough, all)
	case status("availableReplicas") < enough:
		return fmt.Sprintf("rolls out: %d of %d replicas available", status("availableReplicas"), enough)
	}
	return ""
}

// replicas is how many a Deployment asks for; Kubernetes' default is one.
func replicas(d *unstructured.Unstructured) int64 {
	n, found, err := unstructured.NestedInt64(d.Object, "spec", "replicas")
	if !found || err != nil {
		return 1
	}
	return n
}

func byName(a, b *unstructured.Unstructured) int { return cmp.Compare(a.GetName(), b.GetName()) }
