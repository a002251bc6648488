package kube

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/compare"
)

// manager is an entry of managedFields: which fields somebody wrote last.
type manager struct {
	manager string
	applied bool   // by server-side apply
	version string // the apiVersion that fields is of
	at      time.Time
	fields  map[string]any // as fieldsV1
}

// managedFields are the entries of an object, but those of its status alone.
func managedFields(u *unstructured.Unstructured) []manager {
	var all []manager
	for _, entry := range items(u.Object, "metadata", "managedFields") {
		if text(entry, "subresource") != "" {
			continue
		}
		fields, _ := entry["fieldsV1"].(map[string]any) // nil for garbage
		all = append(all, manager{
			text(entry, "manager"), text(entry, "operation") == "Apply", text(entry, "apiVersion"), moment(text(entry, "time")), fields,
		})
	}
	return all
}

// writes reports whether the entry is about what is at the path.
func (m manager) writes(p compare.Path) bool {
	at := m.fields
	if len(at) == 0 {
		return false
	}
	for _, step := range p {
		if len(at) == 0 { // all of it is under one owner
			break
		}
		below, found := at["f:"+step.Name].(map[string]any)
		switch {
		case step.Element: // which of them does not matter: few lists have more than one owner
			return true
		case !found:
			return false
		}
		at = below
	}
	return true
}

// controls reports whether the entry is that of the controller of the kind: it alone writes the status.
func (m manager) controls() bool { return m.writes(compare.Path{{Name: "status"}}) }

// writer is who wrote what is at the path last; false where nobody is named.
func writer(all []manager, p compare.Path) (manager, bool) {
	var last manager
	found := false
	for _, m := range all {
		if m.writes(p) && (!found || m.at.After(last.at)) {
			last, found = m, true
		}
	}
	return last, found
}

// wrote reports whether what is at the path is still as somebody wrote it.
func wrote(all []manager, name string, p compare.Path) bool {
	return slices.ContainsFunc(all, func(m manager) bool { return m.manager == name && m.writes(p) })
}

// controllers indexes an object by the uid of its controller.
func controllers(object any) ([]string, error) {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return nil, nil
	}
	if c := metav1.GetControllerOfNoCopy(u); c != nil {
		return []string{string(c.UID)}, nil
	}
	return nil, nil
}
