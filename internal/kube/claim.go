package kube

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// claim maps the ConfigMap that guards the creation of a search. Of a garbled one nothing is known but that it is there: its
// Claim is zero, and whoever plans on it has to look up the search itself first.
func claim(u *unstructured.Unstructured) plan.Observed {
	o := observed(render.Claim, u)
	data, err := render.ParseClaim(u.Object)
	if err != nil {
		o.Phase, o.Message = plan.Failed, reconcile.Line(err.Error())
		return o
	}
	data.Refused = reconcile.Line(data.Refused)
	o.Phase, o.Claim = plan.Succeeded, data
	return o
}
