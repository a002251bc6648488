package kube

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestObserved maps live objects: object.yaml, with the Deployments that were made of it and their pods (pod*.yaml), whose log ends in
// the file log, is what the file want says.
func TestObserved(t *testing.T) {
	files, err := filepath.Glob("testdata/observed/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { observedCase(t, file) })
	}
}

func observedCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := describe(mapped(t, archive.Files))
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if i < 0 {
		t.Fatal("no file want; try go test -update")
	}
	if diff := cmp.Diff(string(archive.Files[i].Data), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// observedAt is when.
var observedAt = time.Date(2026, time.November, 23, 20, 5, 0, 0, time.UTC)

func mapped(t *testing.T, files []txtar.File) plan.Observed {
	var (
		object *unstructured.Unstructured
		made   []*unstructured.Unstructured
		run    []*unstructured.Unstructured
		log    string
	)
	for _, f := range files {
		switch {
		case f.Name == "object.yaml":
			object = parsed(t, f.Data)
		case f.Name == "log":
			log = string(f.Data)
		case strings.HasPrefix(f.Name, "pod"):
			run = append(run, parsed(t, f.Data))
			_, _ = slimming{}.slim(run[len(run)-1]) // never fails
		case strings.HasSuffix(f.Name, ".yaml"):
			made = append(made, parsed(t, f.Data))
			_, _ = slimming{}.slim(made[len(made)-1])
		}
	}
	o := mapping(object, made)
	if o.Ref.Kind != render.SeldonDeployment || o.Phase == plan.Succeeded {
		return o
	}
	return told(o, unmade(made).or(troubled(o.Image, run, observedAt)), func(x tail) []string {
		if x == (tail{}) {
			return nil
		}
		return logEnd(log)
	})
}

// mapping maps as Observe does: what slim has left.
func mapping(object *unstructured.Unstructured, made []*unstructured.Unstructured) plan.Observed {
	_, _ = slimming{fieldManager(testOwner)}.slim(object) // never fails
	switch object.GetKind() {
	case "Workflow":
		return workflow(object)
	case "SeldonDeployment":
		o := seldonDeployment(object, made)
		o.Owned = owned(object, fieldManager(testOwner))
		return o
	}
	return claim(object)
}

func parsed(t testing.TB, data []byte) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	var u unstructured.Unstructured
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return &u
}

// describe is an Observed as people read it, a line for each field that is set.
func describe(o plan.Observed) string {
	var b strings.Builder
	for _, field := range []struct{ name, value string }{
		{"ref", o.Ref.String()}, {"model", o.Model}, {"environment", o.Environment}, {"digest", string(o.Digest)},
		{"uid", o.UID}, {"seen", o.Seen}, {"created", stamp(o.Created)}, {"ended", stamp(o.Ended)},
		{"release", positive(o.Release)}, {"attempt", positive(o.Attempt)}, {"phase", string(o.Phase)}, {"message", o.Message}, {"image", o.Image},
		{"owned", strings.Join(o.Owned, " ")}, {"holder", o.Claim.Holder}, {"expires", stamp(o.Claim.Expires)}, {"run", o.Claim.Run},
	} {
		if field.value != "" {
			fmt.Fprintf(&b, "%s: %s\n", field.name, field.value)
		}
	}
	return b.String()
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// FuzzObserved maps whatever people may have made of a live object: it may be wrong, it never panics.
func FuzzObserved(f *testing.F) {
	files, err := filepath.Glob("testdata/observed/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		object, made := []byte("{}"), []byte("{}")
		for _, part := range archive.Files {
			if text, err := yaml.YAMLToJSON(part.Data); err == nil && part.Name == "object.yaml" {
				object = text
			} else if err == nil && part.Name == "deployment.yaml" {
				made = text
			}
		}
		f.Add(object, made)
	}
	f.Fuzz(func(t *testing.T, object, made []byte) {
		var u, d unstructured.Unstructured
		if u.UnmarshalJSON(object) != nil || d.UnmarshalJSON(made) != nil {
			return
		}
		for _, kind := range []string{"Workflow", "SeldonDeployment", "ConfigMap"} {
			u.SetKind(kind)
			o := mapping(u.DeepCopy(), []*unstructured.Unstructured{&d})
			if strings.ContainsAny(o.Message, "\n\r") {
				t.Errorf("message of several lines: %q", o.Message)
			}
			if o.Phase == plan.Succeeded && kind == "Workflow" && o.Image == "" {
				t.Error("a succeeded Workflow without image")
			}
			_, _ = controllers(&d) // never fails
		}
	})
}
