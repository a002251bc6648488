package enginetest

import (
	"maps"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// settings name the namespaces that a cluster under test has: argo, and ml for what is served.
func settings() render.Settings {
	images := render.Images{Fetch: "fetch", Git: "git", Build: "build"}
	return render.Settings{Path: ".", Owner: Owner, Workflows: render.Workflows{Namespace: "argo", Images: images}}
}

func digest(letter string) schema.Digest { return schema.Digest("v1-" + strings.Repeat(letter, 64)) }

func model(name string) schema.Model {
	return schema.Model{
		Name: name,
		Train: schema.Train{
			Image: "python", Command: []string{"python", "run.py", "--lr={{ lr }}"}, Artifact: "model.dat",
			Search: schema.Search{Kind: schema.Random, Experiments: 2, Matrix: []schema.Dimension{{Name: "lr", Kind: "uniform", Value: "0.1:0.2"}}},
		},
		Select:  schema.Select{Objective: schema.Objective{Metric: "accuracy", Goal: schema.Maximize}},
		Package: &schema.Package{Image: "registry.example/" + name, Builder: schema.Builder{Dockerfile: "Dockerfile"}},
		Serve:   []schema.Environment{{Name: "staging", Namespace: "ml", ObjectName: name, Replicas: 1}},
		Digests: schema.Digests{Search: digest("a"), Select: digest("b"), Package: digest("c")},
	}
}

func search(name string) render.Object {
	return render.NewSearch(model(name), settings(), strings.Repeat("2", 40))
}

// objects are one of each kind that a cluster holds.
func objects(name string) []render.Object {
	m := model(name)
	r := schema.Release{
		Number: 1, Answers: m.Digests, Experiment: strings.Repeat("1", 32), Commit: strings.Repeat("2", 40),
		Artifact: schema.Artifact{Path: m.Train.Artifact, SHA256: strings.Repeat("3", 64)},
		Image:    m.Package.Image + "@sha256:" + strings.Repeat("4", 64),
	}
	return []render.Object{render.NewWorkflow(m, r, settings()), render.NewSeldonDeployment(m, m.Serve[0], r, settings()), claim(name, "me")}
}

func claim(name, holder string) render.Object {
	expires := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return render.NewClaim(search(name), render.ClaimData{Holder: holder, Expires: expires}, settings())
}

// another has the name of the object and another digest.
func another(o render.Object) render.Object {
	o.Digest = digest("d")
	o.Body, _ = put(o.Body, string(o.Digest), "metadata", "annotations", render.AnnotationDigest).(map[string]any)
	return o
}

// put is a copy of the JSON with the value at the path of fields.
func put(in, value any, path ...string) any {
	if len(path) == 0 {
		return value
	}
	fields, _ := in.(map[string]any)
	fields = maps.Clone(fields)
	if fields == nil {
		fields = map[string]any{}
	}
	fields[path[0]] = put(fields[path[0]], value, path[1:]...)
	return fields
}
