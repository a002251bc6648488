package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/render"
)

// slimming has the field manager that we are.
type slimming struct{ manager string }

// slim drops what no decision is made on, which is most of an object's size, before an informer keeps it.
func (s slimming) slim(object any) (any, error) {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return object, nil
	}
	switch u.GetKind() {
	case "Workflow":
		delete(u.Object, "spec")
		if status, ok := u.Object["status"].(map[string]any); ok {
			delete(status, "storedTemplates")
			delete(status, "storedWorkflowTemplateSpec")
		}
	case "SeldonDeployment":
		if s.edited(u) {
			unstructured.RemoveNestedField(u.Object, "metadata", "annotations", render.AnnotationDigest)
		}
	}
	u.SetManagedFields(nil)
	return u, nil
}

// edited reports whether somebody else wrote the predictors of a SeldonDeployment last. Then its digest still says what we applied,
// but not what is there. The API server keeps the list of predictors under one owner as a whole: who changes anything in it takes it
// from us, and our next apply takes it back. Other fields that people add beside it are theirs.
func (s slimming) edited(u *unstructured.Unstructured) bool {
	entries := items(u.Object, "metadata", "managedFields")
	return len(entries) > 0 && !slices.ContainsFunc(entries, func(entry map[string]any) bool {
		_, owns, _ := unstructured.NestedFieldNoCopy(entry, "fieldsV1", "f:spec", "f:predictors") // an error says no
		return owns && entry["manager"] == s.manager
	})
}
