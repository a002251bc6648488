package kube

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trefoil-gitops/trefoil/render"
)

// selectors say what is watched: what belongs to the owner, the objects of the models of this repository; what the Seldon operator made
// of them; and the pods that run for either. The operator copies the labels of a predictor to its Deployment, all but one: it calls that
// managed by itself.
func selectors(owner string) (ours, made, run labels.Selector, err error) {
	of := render.LabelRepository + "=" + owner + "," + render.LabelModel
	ours, err1 := labels.Parse(render.Settings{Owner: owner}.Selector() + "," + render.LabelModel)
	made, err2 := labels.Parse(of + "," + deployed)
	run, err3 := labels.Parse(of)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, nil, nil, fmt.Errorf("owner %q: %w", owner, err)
	}
	return ours, made, run, nil
}

// ours reports whether the object carries our labels.
func (e *Engine) ours(u *unstructured.Unstructured) bool {
	return e.selector.Matches(labels.Set(u.GetLabels()))
}
