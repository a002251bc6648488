package render_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
	"sigs.k8s.io/yaml"
)

func TestPlatform(t *testing.T) {
	own := func(account string) schema.Model {
		return schema.Model{Package: &schema.Package{ServiceAccount: account}}
	}
	models := []schema.Model{own("ranker-packager"), own(""), {}, own("packager"), own("ranker-packager")}
	golden(t, "testdata/platform.yaml", render.YAML(render.Platform(models, settings)...))

	unnamed := settings
	unnamed.Workflows.ServiceAccount = ""
	golden(t, "testdata/platform-default.yaml", render.YAML(render.Platform(nil, unnamed)...))
}

// TestPlatformTakesNothingAway: what is printed while a model is missing, such as one that does not load, changes nothing of what was
// applied before. Applying it takes no right from the accounts that it does not know of.
func TestPlatformTakesNothingAway(t *testing.T) {
	own := func(account string) schema.Model {
		return schema.Model{Package: &schema.Package{ServiceAccount: account}}
	}
	applied := map[render.Ref]render.Object{}
	for _, o := range render.Platform([]schema.Model{own("a"), own("b"), own("c")}, settings) {
		applied[o.Ref] = o
	}
	for _, fewer := range [][]schema.Model{nil, {own("b")}, {own("a"), own("c")}} {
		for _, o := range render.Platform(fewer, settings) {
			if diff := cmp.Diff(applied[o.Ref].Body, o.Body); diff != "" {
				t.Errorf("with %d models: %s", len(fewer), diff)
			}
		}
	}
}

// TestPlatformDeployed holds that deploy/ gives the pods of Workflows the same.
func TestPlatformDeployed(t *testing.T) {
	text, err := os.ReadFile("../deploy/workflows/pods.yaml")
	if err != nil {
		t.Fatal(err)
	}
	named := settings
	named.Workflows.ServiceAccount = "trefoil-workflows"
	want, got := documents(t, text), documents(t, render.YAML(render.Platform(nil, named)...))
	for _, o := range got { // kustomize adds the namespace
		delete(o["metadata"].(map[string]any), "namespace")
		if subjects, ok := o["subjects"].([]any); ok {
			delete(subjects[0].(map[string]any), "namespace")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// documents are the objects of a YAML file.
func documents(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	for document := range bytes.SplitSeq(text, []byte("---\n")) {
		var o map[string]any
		if err := yaml.Unmarshal(document, &o); err != nil {
			t.Fatal(err)
		}
		if o != nil {
			all = append(all, o)
		}
	}
	return all
}
