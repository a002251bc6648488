package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trefoil-gitops/trefoil/render"
)

// selectors say what is watched: what belongs to the owner, the objects of the models of this repository; and what the Seldon
// operator made of them. It copies the labels of a predictor to its Deployment, all but one: it calls that managed by itself.
func selectors(owner string) (ours, made labels.Selector, err error) {
	if ours, err = labels.Parse(render.Settings{Owner: owner}.Selector() + "," + render.LabelModel); err != nil {
		return nil, nil, fmt.Errorf("owner %q: %w", owner, err)
	}
	made, err = labels.Parse(render.LabelRepository + "=" + owner + "," + render.LabelModel + ",seldon-deployment-id")
	if err != nil {
		return nil, nil, fmt.Errorf("owner %q: %w", owner, err)
	}
	return ours, made, nil
}

// ours reports whether the object carries our labels.
func (e *Engine) ours(u *unstructured.Unstructured) bool {
	return e.selector.Matches(labels.Set(u.GetLabels()))
}
