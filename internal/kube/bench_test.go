package kube

import (
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// BenchmarkObserved maps what a cluster holds of one model that is served in one place: its Workflow, its claim, its
// SeldonDeployment and that one's Deployments, as the informers keep them. A pass does it for each model.
func BenchmarkObserved(b *testing.B) {
	kept := func(name string) []*unstructured.Unstructured {
		archive, err := txtar.ParseFile("testdata/observed/" + name + ".txtar")
		if err != nil {
			b.Fatal(err)
		}
		var all []*unstructured.Unstructured
		for _, f := range archive.Files {
			if f.Name == "want" {
				continue
			}
			u := parsed(b, f.Data)
			mapping(u, nil) // leaves what an informer keeps
			all = append(all, u)
		}
		return all
	}
	served, built, claimed := kept("seldon-available"), kept("workflow-succeeded"), kept("claim-filled")
	for b.Loop() {
		seldonDeployment(served[0], served[1:])
		workflow(built[0])
		claim(claimed[0])
	}
}
