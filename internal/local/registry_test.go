package local

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestRegistry packages onto a base that a registry has, and pushes what comes of it.
func TestRegistry(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	base, err := random.Image(100, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference(t, host+"/base:1"), base); err != nil {
		t.Fatal(err)
	}
	e, m, r := trained(t, served)
	m.Package.Image = host + "/team/m"
	e.options.Base, e.options.Push = host+"/base:1", true
	o := pack(t, e, m, r)
	if o.Phase != plan.Succeeded {
		t.Fatalf("%s: %s", o.Phase, o.Message)
	}
	pushed, err := remote.Image(reference(t, o.Image))
	if err != nil {
		t.Fatal(err)
	}
	if layers := layers(t, pushed); len(layers) != 4 {
		t.Errorf("it has %d layers, want the base's two and two more", len(layers))
	}
	if annotations(t, pushed)[annotationRuns] != "" {
		t.Error("with a base it is said to run here alone")
	}
	if _, err := e.unpack(o.Image); err != nil {
		t.Error(err)
	}
	server.Close()
	m.Package.Attempt++
	e.options.Push = false
	if o := pack(t, e, m, r); o.Phase != plan.Succeeded {
		t.Errorf("without the base: %s: %s", o.Phase, o.Message)
	}
	m.Package.Attempt++
	e.options.Push = true
	if o := pack(t, e, m, r); o.Phase != plan.Failed || !strings.Contains(o.Message, "could not be pushed") {
		t.Errorf("without a registry: %s: %s", o.Phase, o.Message)
	}
}

// TestPlainRegistry reaches the registry of package.image as package.registry says, and no other that way.
func TestPlainRegistry(t *testing.T) {
	for _, plain := range []bool{false, true} {
		m := schema.Model{Name: "m", Package: &schema.Package{Image: "registry.example:5000/team/m", Registry: schema.Registry{HTTP: plain}}}
		b, err := record{Kind: render.Workflow, Body: render.NewWorkflow(m, schema.Release{}, settings).Body}.build()
		if err != nil {
			t.Fatal(err)
		}
		for image, want := range map[string]bool{
			b.repository + ":" + b.tag: plain, "registry.example:5000/base:1": plain, "registry.example/base:1": false, "base:1": false,
		} {
			ref, err := b.reference(image)
			if err != nil || (ref.Context().Scheme() == "http") != want {
				t.Errorf("with http %v %s is %v, %v", plain, image, ref, err)
			}
		}
	}
}

func reference(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func layers(t *testing.T, img v1.Image) []v1.Layer {
	t.Helper()
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
