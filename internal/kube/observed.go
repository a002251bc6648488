package kube

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// observed maps what all kinds have in common. Anybody may have edited a live object: nothing in it is taken for granted.
func observed(kind render.Kind, u *unstructured.Unstructured) plan.Observed {
	labels := u.GetLabels()
	return plan.Observed{
		Ref:         render.Ref{Kind: kind, Namespace: u.GetNamespace(), Name: u.GetName()},
		Model:       labels[render.LabelModel],
		Environment: labels[render.LabelEnvironment],
		Digest:      digest(u),
		UID:         string(u.GetUID()),
		Seen:        u.GetResourceVersion(),
		Created:     u.GetCreationTimestamp().UTC(),
		Phase:       plan.Running,
		Release:     number(labels[render.LabelRelease]),
		Attempt:     number(u.GetAnnotations()[render.AnnotationAttempt]),
		Ending:      u.GetDeletionTimestamp() != nil,
	}
}

// number is that in a label or annotation; 0 where there is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// digest is the annotation of that name; empty unless it has the form of a schema.Digest.
func digest(u *unstructured.Unstructured) schema.Digest {
	d := schema.Digest(u.GetAnnotations()[render.AnnotationDigest])
	if !d.Valid() {
		return ""
	}
	return d
}

// isSHA256 reports whether the text is 64 lower-case hexadecimal digits.
func isSHA256(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == 32 && strings.ToLower(text) == text
}

// text is the string under the path of fields; empty where something else is.
func text(object map[string]any, fields ...string) string {
	s, _, _ := unstructured.NestedString(object, fields...) // an error says that something else is there
	return s
}

// items are the objects of the list under the path of fields; nil where something else is.
func items(object map[string]any, fields ...string) []map[string]any {
	value, _, _ := unstructured.NestedFieldNoCopy(object, fields...) // as above
	list, _ := value.([]any)
	var all []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

// moment is a time as the API server writes it; zero where it is none.
func moment(value string) time.Time {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
