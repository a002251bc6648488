package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

var update = flag.Bool("update", false, "write the goldens anew")

// sample is one case of testdata: a folder with input.json and what is rendered from it. A new case is a folder with an
// input.json; -update writes the rest.
type sample struct {
	Model   schema.Model
	Release schema.Release
	Commit  string
	Private bool // needs the Secrets and the connection of private
}

var settings = render.Settings{
	Repository: "https://git.example.com/team/models.git",
	Path:       ".",
	Owner:      "models-main-1f2e3d4c",
	Polyaxon:   render.Polyaxon{URL: "http://polyaxon.polyaxon:80", Owner: "default", Project: "mnist"},
	Workflows: render.Workflows{
		Namespace:      "argo",
		ServiceAccount: "packager",
		Images: render.Images{
			Fetch:    "registry.example.com/busybox:1",
			Git:      "registry.example.com/git:2",
			Build:    "registry.example.com/buildah:1",
			BuildKit: "registry.example.com/buildkit:1",
		},
	},
}

// private are settings for a spec repository and a Polyaxon that are not open to everybody.
func private() render.Settings {
	s := settings
	s.Polyaxon.GitConnection = "specs"
	s.Workflows.GitCredentials, s.Workflows.PolyaxonToken = "git-login", "polyaxon"
	return s
}

func TestGolden(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s := load(t, dir)
			golden(t, filepath.Join(dir, "objects.yaml"), s.yaml())
			golden(t, filepath.Join(dir, "polyaxon-0.yaml"), s.yamlV0())
		})
	}
}

// yaml is every object of the sample.
func (s sample) yaml() []byte {
	settings := settings
	if s.Private {
		settings = private()
	}
	search := render.NewSearch(s.Model, settings, s.Commit)
	claim := render.ClaimData{Holder: "trefoil-0", Expires: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	objects := []render.Object{search, render.NewClaim(search, claim, settings)}
	if s.Model.Package != nil {
		objects = append(objects, render.NewWorkflow(s.Model, s.Release, settings))
	}
	for _, e := range s.Model.Serve {
		objects = append(objects, render.NewSeldonDeployment(s.Model, e, s.Release, settings))
	}
	return render.YAML(objects...)
}

// yamlV0 is the file for Polyaxon 0.x, or why there is none.
func (s sample) yamlV0() []byte {
	group, err := render.PolyaxonV0(s.Model)
	if err != nil {
		return fmt.Appendf(nil, "# error: %v\n", err)
	}
	return render.YAML(group)
}

func cases(t *testing.T) []string {
	t.Helper()
	inputs, err := filepath.Glob("testdata/*/input.json")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for i, input := range inputs {
		inputs[i] = filepath.Dir(input)
	}
	return inputs
}

func load(t *testing.T, dir string) sample {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "input.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	for i := range s.Model.Train.Params {
		s.Model.Train.Params[i].Value = values(s.Model.Train.Params[i].Value)
	}
	for i := range s.Model.Train.Search.Matrix {
		s.Model.Train.Search.Matrix[i].Value = values(s.Model.Train.Search.Matrix[i].Value)
	}
	for _, point := range s.Model.Train.Search.Mapping {
		for i := range point {
			point[i].Value = values(point[i].Value)
		}
	}
	return s
}

// values makes int64 and float64 of numbers, as a Model holds them.
func values(value any) any {
	switch v := value.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = values(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = values(v[key])
		}
	}
	return value
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update accepts it):\n%s", file, diff)
	}
}
