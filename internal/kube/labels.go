package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trefoil-gitops/trefoil/render"
)

// ours selects what belongs to the owner: the objects of the models of this repository.
func ours(owner string) (labels.Selector, error) {
	selector, err := labels.Parse(render.Settings{Owner: owner}.Selector() + "," + render.LabelModel)
	if err != nil {
		return nil, fmt.Errorf("owner %q: %w", owner, err)
	}
	return selector, nil
}

// ours reports whether the object carries our labels.
func (e *Engine) ours(u *unstructured.Unstructured) bool {
	return e.selector.Matches(labels.Set(u.GetLabels()))
}
