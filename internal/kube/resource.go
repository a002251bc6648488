package kube

import (
	"fmt"

	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/render"
)

// resource returns where the API server serves the kind.
func resource(kind render.Kind) (apischema.GroupVersionResource, error) {
	switch kind {
	case render.Workflow:
		return apischema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflows"}, nil
	case render.SeldonDeployment:
		return apischema.GroupVersionResource{Group: "machinelearning.seldon.io", Version: "v1", Resource: "seldondeployments"}, nil
	case render.Claim:
		return apischema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, nil
	}
	return apischema.GroupVersionResource{}, fmt.Errorf("a %s is nothing that Kubernetes holds", kind)
}

// deployments are what the Seldon operator makes of a SeldonDeployment.
func deployments() apischema.GroupVersionResource {
	return apischema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
}
