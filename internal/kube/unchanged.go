package kube

import (
	"maps"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/render"
)

// unchanged reports whether an apply of the body would leave the object as it is, for certain: we are known to own just what the body
// says, and each field of that is what the body says, letter by letter. False means that only the server can tell.
func unchanged(live *unstructured.Unstructured, ours string, body map[string]any) bool {
	var entry manager
	for _, m := range managedFields(live) {
		if m.manager == ours && m.applied {
			entry = m
		}
	}
	wanted := maps.Clone(body)
	metadata, _ := body["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	wanted["metadata"] = metadata
	for _, name := range []string{"apiVersion", "kind"} { // nobody owns what an object is called
		delete(wanted, name)
	}
	for _, name := range []string{"name", "namespace"} {
		delete(metadata, name)
	}
	return len(entry.fields) > 0 && entry.version == live.GetAPIVersion() && entry.version == body["apiVersion"] &&
		holds(entry.fields, live.Object, wanted)
}

// holds reports whether the fields that are owned are those that are wanted, and live is what is wanted in each. Of a list it is known
// only who owns all of it.
func holds(owned map[string]any, live, wanted any) bool {
	if len(owned) == 0 {
		return reflect.DeepEqual(live, wanted)
	}
	l, isStruct := live.(map[string]any)
	w, areStructs := wanted.(map[string]any)
	if !isStruct || !areStructs {
		return false
	}
	asked := 0
	for key, below := range owned {
		name, isField := strings.CutPrefix(key, "f:")
		inner, isOwned := below.(map[string]any)
		there, isLive := l[name]
		value, isWanted := w[name]
		switch {
		case key == ".": // the struct itself
			continue
		case !isField || !isOwned || !isLive || !isWanted || !holds(inner, there, value):
			return false
		}
		asked++
	}
	return asked == len(w)
}

// bare is the object without what only the server writes.
func bare(u *unstructured.Unstructured) map[string]any {
	object := maps.Clone(u.Object)
	metadata, _ := object["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	object["metadata"] = metadata
	delete(object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink"} {
		delete(metadata, field)
	}
	return object
}

func digestPath() compare.Path {
	return compare.Path{{Name: "metadata"}, {Name: "annotations"}, {Name: render.AnnotationDigest}}
}
