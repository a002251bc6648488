package kube

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
		note(u, s.manager)
	case "Pod":
		slimPod(u)
	}
	u.SetManagedFields(nil)
	return u, nil
}
