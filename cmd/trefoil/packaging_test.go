package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// specs of a page: a repository without git, whose folders have no hashes worth looking at.
type page struct{ fstest.MapFS }

func (page) Hash(string) (string, error) { return strings.Repeat("0", 40), nil }

// around is what the page does not show of its models.
const around = `package models

models: [_]: {
	train: {
		image: "python:3.12"
		command: ["run"]
		search: {grid: {}, matrix: lr: choice: [1]}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
}
models: mnist: package: {
	image: *"registry.example/mnist" | string
	source: *{path: "serve-mnist"} | {git: _}
}
`

// TestPackagingPage loads each CUE block of docs/packaging.md and renders it. After each the page shows what comes of it: that has to be,
// byte for byte in YAML, what came out, as far as it is shown; or the claim that it asks for, which e2e applies; or the Dockerfile that
// the Workflow writes.
func TestPackagingPage(t *testing.T) {
	var objects map[string]any // the Workflow of the last CUE block, and what the cluster has to hold for it, by kind
	unshown, seen := "", map[string]int{}
	for _, b := range blocksOf(t, "../../docs/packaging.md") {
		seen[b.kind]++
		switch b.kind {
		case "cue":
			if unshown != "" {
				t.Errorf("nothing is shown of what comes of\n%s", unshown)
			}
			objects, unshown = packaged(t, b.text), b.text
		case "yaml":
			unshown = ""
			part := object(t, b.text)
			if part["kind"] == "PersistentVolumeClaim" {
				if name := nameOf(part); name == "" || !strings.Contains(fmt.Sprint(objects["Workflow"]), "claimName:"+name+" ") {
					t.Errorf("no Workflow asks for the claim %q", name)
				}
				break
			}
			if diff := differs(t, part, objects); diff != "" {
				t.Errorf("the page shows otherwise than what is rendered (-rendered +shown):\n%s", diff)
			}
			bites(t, part, objects)
		case "dockerfile":
			unshown = ""
			if diff := cmp.Diff(dockerfile(t, objects["Workflow"]), b.text); diff != "" {
				t.Errorf("the page shows otherwise than what is built (-built +shown):\n%s", diff)
			}
		case "sh", "console": // e2e runs those, TestWhy has the transcript
		default:
			t.Errorf("nobody looks at a block of %q", b.kind)
		}
	}
	if seen["cue"] < 8 || seen["yaml"] < 9 || seen["dockerfile"] != 1 {
		t.Errorf("the page has only %v", seen)
	}
}

// object is what a YAML text says.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &o); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return o
}

// TestServingPage loads each CUE block of docs/serving.md.
func TestServingPage(t *testing.T) {
	seen := 0
	for _, b := range blocksOf(t, "../../docs/serving.md") {
		if b.kind != "cue" {
			continue
		}
		seen++
		if m := onPage(t, b.text)[0]; len(m.Serve) == 0 {
			t.Errorf("nothing is served in\n%s", b.text)
		}
	}
	if seen < 2 {
		t.Errorf("the page has only %d blocks", seen)
	}
}

// packaged is what a CUE block of the page renders to, by kind.
func packaged(t *testing.T, text string) map[string]any {
	t.Helper()
	models := onPage(t, text)
	settings := defaults().settings()
	settings.Repository = "https://git.example.com/team/models.git"
	objects := map[string]any{}
	for _, o := range append(render.Platform(models, settings), render.NewWorkflow(models[0], schema.Release{Number: 1}, settings)) {
		objects[string(o.Ref.Kind)] = object(t, string(render.YAML(o)))
	}
	return objects
}

// onPage are the models of a CUE block of a page, with what is around it: there is one.
func onPage(t *testing.T, text string) []schema.Model {
	t.Helper()
	c, err := schema.Load(context.Background(), page{fstest.MapFS{
		"around.cue": {Data: []byte(around)}, "models.cue": {Data: []byte("package models\n\n" + text)},
		"serve-mnist/Model.py": {Data: []byte("class Model: pass\n")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c = c.With(render.Check(c)); len(faults(c, nil)) > 0 || len(c.Models) != 1 {
		t.Fatalf("%d models, %v in\n%s", len(c.Models), c.Findings, text)
	}
	return c.Models
}

// nameOf is the name of an object.
func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

// dockerfile is what the container of a Workflow writes that does as source-to-image, for the folder of the page.
func dockerfile(t *testing.T, workflow any) string {
	t.Helper()
	var c struct {
		Args []string
		Env  []struct{ Name, Value string }
	}
	template := counterpart(workflow.(map[string]any)["spec"].(map[string]any)["templates"].([]any), nil, 0).(map[string]any)
	text, err := yaml.Marshal(counterpart(template["initContainers"].([]any), map[string]any{"name": "dockerfile"}, 9))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &c); err != nil || len(c.Args) != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/mnist/serve-mnist")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/more.Dockerfile", []byte("FROM s2i\nUSER 8888\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("sh", "-c", c.Args[0])
	run.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, e := range c.Env {
		run.Env = append(run.Env, e.Name+"="+e.Value)
	}
	run.Env = append(run.Env, "CONTEXT="+dir, "DOCKERFILE="+dir+"/Dockerfile")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	made, err := os.ReadFile(dir + "/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}
