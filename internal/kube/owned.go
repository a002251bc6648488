package kube

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/render"
)

// ownedNote is where a slim object has the result of owned, one a line. No object of Kubernetes has such a field.
const ownedNote = "trefoil.dev/owned"

// note writes it down.
func note(u *unstructured.Unstructured, manager string) {
	if leaves := owned(u, manager); leaves != nil {
		u.Object[ownedNote] = strings.Join(leaves, "\n")
	}
}

// owned are the parts of an object that we applied and that nobody else has written since, as render.Leaves; nil where the object has
// no managedFields. The API server keeps the list of predictors under one owner as a whole: who changes anything in it takes it from
// us, and our next apply takes it back. Other fields that people add beside ours are theirs.
func owned(u *unstructured.Unstructured, manager string) []string {
	if noted, ok := u.Object[ownedNote].(string); ok {
		return strings.FieldsFunc(noted, func(r rune) bool { return r == '\n' })
	}
	entries := managedFields(u)
	if len(entries) == 0 {
		return nil
	}
	leaves := []string{}
	for _, e := range entries {
		if e.manager == manager && e.applied {
			leaves = ownedLeaves(leaves, "", e.fields)
		}
	}
	slices.Sort(leaves)
	return leaves
}

// ownedLeaves adds the leaves of a fieldsV1. Elements of lists are parts of one leaf.
func ownedLeaves(all []string, at string, fields map[string]any) []string {
	inner := false
	for key, below := range fields {
		name, isField := strings.CutPrefix(key, "f:")
		if !isField {
			continue
		}
		inner = true
		next, _ := below.(map[string]any) // nil for garbage: a leaf
		all = ownedLeaves(all, render.Pointer(at, name), next)
	}
	if !inner && at != "" {
		all = append(all, at)
	}
	return all
}
