package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

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

// block is one of a page, with what kind it says it is.
type block struct{ kind, text string }

func blocksOf(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for i, part := range strings.Split("\n"+string(text), "\n```") {
		if i%2 == 1 {
			kind, text, _ := strings.Cut(part, "\n")
			all = append(all, block{kind, text + "\n"})
		}
	}
	return all
}

// TestPackagingPage loads each CUE block of docs/packaging.md and renders it. Each YAML block after it has to be a part of what came
// out, or an object that it asks for by name.
func TestPackagingPage(t *testing.T) {
	var objects map[string]any // the Workflow of the last CUE block, and what the cluster has to hold for it, by kind
	seen := map[string]int{}
	for _, b := range blocksOf(t, "../../docs/packaging.md") {
		seen[b.kind]++
		switch b.kind {
		case "cue":
			objects = packaged(t, b.text)
		case "yaml":
			var part map[string]any
			if err := yaml.UnmarshalStrict([]byte(b.text), &part); err != nil {
				t.Fatalf("%v in\n%s", err, b.text)
			}
			kind := fmt.Sprint(part["kind"])
			if whole, rendered := objects[kind]; rendered {
				for _, wrong := range missing(part, whole, kind) {
					t.Errorf("%s, which this shows:\n%s", wrong, b.text)
				}
			} else if name := nameOf(part); name == "" || !strings.Contains(fmt.Sprint(objects["Workflow"]), "claimName:"+name+" ") {
				t.Errorf("no Workflow asks for the %s %q", kind, name)
			}
		case "sh", "console": // TestWhy has the transcript
		default:
			t.Errorf("nobody looks at a block of %q", b.kind)
		}
	}
	if seen["cue"] < 5 || seen["yaml"] < 5 {
		t.Errorf("the page has only %v", seen)
	}
}

// packaged is what a CUE block of the page renders to, by kind.
func packaged(t *testing.T, text string) map[string]any {
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
	settings := defaults().settings()
	settings.Repository = "https://git.example.com/team/models.git"
	m := c.Models[0]
	objects := map[string]any{"Workflow": render.NewWorkflow(m, schema.Release{Number: 1}, settings).Body}
	for _, o := range render.Platform(c.Models, settings) {
		objects[string(o.Ref.Kind)] = o.Body
	}
	return objects
}

// nameOf is the name of an object.
func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

// missing are the parts of a value that another one lacks; elements of lists go by their names, or by their places.
func missing(part, whole any, at string) []string {
	var all []string
	switch p := part.(type) {
	case map[string]any:
		w, _ := whole.(map[string]any)
		for key, value := range p {
			all = append(all, missing(value, w[key], at+"."+key)...)
		}
		return all
	case []any:
		w, _ := whole.([]any)
		if _, structs := p[0].(map[string]any); !structs {
			break // one value
		}
		for i, value := range p {
			all = append(all, missing(value, counterpart(w, value, i), fmt.Sprintf("%s.%d", at, i))...)
		}
		return all
	}
	if fmt.Sprint(part) != fmt.Sprint(whole) {
		all = append(all, fmt.Sprintf("%s is %v and not %v", at, whole, part))
	}
	return all
}

// counterpart is the element of a list that has the name of another one, or its place.
func counterpart(list []any, of any, place int) any {
	fields, _ := of.(map[string]any)
	for _, element := range list {
		if mine, ok := element.(map[string]any); ok && fields["name"] != nil && mine["name"] == fields["name"] {
			return element
		}
	}
	if place < len(list) {
		return list[place]
	}
	return nil
}
