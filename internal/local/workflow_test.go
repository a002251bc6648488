package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// trained is an engine that has run the search of a model, and the release of its first experiment.
func trained(t *testing.T, source fstest.MapFS) (*Engine, schema.Model, schema.Release) {
	t.Helper()
	e := fresh(t, source)
	run(t, e)
	m := trainer(score+`mkdir -p $POLYAXON_RUN_OUTPUTS_PATH/out; echo weights >$POLYAXON_RUN_OUTPUTS_PATH/out/model.dat`, int64(1))
	m.Train.Artifact = "out/model.dat"
	m.Package = &schema.Package{Image: "registry.example/m", Source: schema.Source{Path: "serve"}, Builder: schema.Builder{S2I: "s2i"}}
	m.Digests.Package = schema.Digest("v1-" + strings.Repeat("c", 64))
	x := await(t, e, submit(t, e, m), ended).Experiments[0]
	if err := e.Fetch(t.Context(), x.UID, m.Train.Artifact); err != nil {
		t.Fatal(err)
	}
	live, err := e.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := live.Objects[render.SearchRef(m)][0].Experiments[0].Artifacts[m.Train.Artifact]
	return e, m, schema.Release{
		Number: 1, Answers: m.Digests, Experiment: x.UID, Commit: commit, Artifact: schema.Artifact{Path: m.Train.Artifact, SHA256: sum},
	}
}

var settings = render.Settings{
	Repository: repository, Path: ".", Owner: "r-0", Polyaxon: render.Polyaxon{URL: "http://local", Owner: owner, Project: project},
	Workflows: render.Workflows{Namespace: "local"},
}

// pack builds a release and returns how that ended.
func pack(t *testing.T, e *Engine, m schema.Model, r schema.Release) plan.Observed {
	t.Helper()
	o := render.NewWorkflow(m, r, settings)
	if err := e.Apply(t.Context(), o, ""); err != nil {
		t.Fatal(err)
	}
	return await(t, e, o.Ref, ended)
}

func TestWorkflow(t *testing.T) {
	e, m, r := trained(t, served)
	first := pack(t, e, m, r)
	m.Package.Attempt++
	again := pack(t, e, m, r)
	if first.Phase != plan.Succeeded || !strings.HasPrefix(first.Image, "registry.example/m@sha256:") || again.Image != first.Image {
		t.Fatalf("%s %s %s, again %s", first.Phase, first.Image, first.Message, again.Image)
	}
	dir, err := e.unpack(first.Image)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"M.py": "class M: pass\n", "out/model.dat": "weights\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	img, err := e.kept(strings.TrimPrefix(first.Image, "registry.example/m@sha256:"))
	if err != nil {
		t.Fatal(err)
	}
	described := annotations(t, img)
	for name, want := range map[string]string{
		render.LabelModel: "m", render.LabelRelease: "1", render.AnnotationExperiment: r.Experiment, "org.opencontainers.image.revision": commit,
	} {
		if described[name] != want {
			t.Errorf("annotation %s is %q, want %q", name, described[name], want)
		}
	}
	config, err := img.ConfigFile()
	if err != nil || !slices.Contains(config.Config.Env, "X=y") || !slices.Contains(config.Config.Entrypoint, "M") {
		t.Errorf("config %+v, %v", config, err)
	}
}

// TestBuildAsked: what people write comes out of a Workflow as it went in, whatever a kubelet would make of it.
func TestBuildAsked(t *testing.T) {
	const odd = "cost-$$/$(HOME)/$1"
	m := schema.Model{Name: "m", Package: &schema.Package{Image: "registry.example/m", Source: schema.Source{Path: odd}}}
	r := schema.Release{Number: 1, Commit: commit, Artifact: schema.Artifact{Path: odd}}
	b, err := (record{Body: render.NewWorkflow(m, r, settings).Body}).build()
	if err != nil || b.folder != odd || b.path != odd {
		t.Errorf("folder %q and artifact %q, not %q, %v", b.folder, b.path, odd, err)
	}
}

// TestDescribed leaves what a Workflow says of an image as it says it.
func TestDescribed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte("numpy\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, ".s2i"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".s2i", "environment"), []byte("MODEL_NAME=M\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := build{notes: map[string]string{render.LabelModel: "m"}}
	img, err := described(empty.Image, true, b, content{source: dir, created: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if said := annotations(t, img); len(b.notes) != 1 || len(said) != 4 || said[render.LabelModel] != "m" {
		t.Errorf("notes %v, annotations %v", b.notes, said)
	}
}

func annotations(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Annotations
}

func TestWorkflowFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		source fstest.MapFS
		spoil  func(t *testing.T, e *Engine, r *schema.Release)
		want   string
	}{
		{"not run here", served, func(_ *testing.T, _ *Engine, r *schema.Release) { r.Experiment = strings.Repeat("9", 32) },
			"experiment 99999999 was not run on this machine"},
		{"changed since", served, func(t *testing.T, e *Engine, r *schema.Release) {
			x, err := e.find(r.Experiment)
			if err == nil {
				err = os.WriteFile(filepath.Join(x.outputs(), "out", "model.dat"), []byte("other"), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "was changed since it was selected"},
		{"gone", served, func(t *testing.T, e *Engine, r *schema.Release) {
			x, err := e.find(r.Experiment)
			if err == nil {
				err = os.RemoveAll(filepath.Join(x.outputs(), "out"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "left no out/model.dat in its outputs (nothing is there)"},
		{"no class", fstest.MapFS{"serve/a.py": {}}, func(*testing.T, *Engine, *schema.Release) {}, "write MODEL_NAME=CLASS"},
		{"no source", fstest.MapFS{}, func(*testing.T, *Engine, *schema.Release) {}, "the source serve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, m, r := trained(t, c.source)
			c.spoil(t, e, &r)
			if o := pack(t, e, m, r); o.Phase != plan.Failed || !strings.Contains(o.Message, c.want) {
				t.Errorf("%s: %s", o.Phase, o.Message)
			}
		})
	}
}

// TestTamperedImage serves nothing that is not what its digest says (I4).
func TestTamperedImage(t *testing.T) {
	e, m, r := trained(t, served)
	image := pack(t, e, m, r).Image
	sum, err := digestOf(image)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := filepath.Glob(filepath.Join(e.layout(sum), "blobs", "sha256", "*"))
	if err != nil || len(blobs) != 4 {
		t.Fatalf("%v, %v", blobs, err)
	}
	for _, blob := range blobs {
		text, err := os.ReadFile(blob)
		if err != nil {
			t.Fatal(err)
		}
		broken := append(slices.Clone(text), ' ')
		if err := os.WriteFile(blob, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if dir, err := e.unpack(image); err == nil {
			t.Errorf("unpacked to %s although %s was changed", dir, filepath.Base(blob))
		}
		if err := os.WriteFile(blob, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.unpack(image); err != nil {
		t.Error(err)
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"a": NaN, "b": -Infinity, "c": "NaN \" NaN", "d": 1e3}`))
	f.Add([]byte("{\"a\": 1}\n{\"a\": \"x\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s state
		if s.addAll(bare(text)) != nil {
			return
		}
		kept, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again state
		if err := json.Unmarshal(kept, &again); err != nil || len(again.Metrics) != len(s.Metrics) {
			t.Errorf("%s: %v", kept, err)
		}
	})
}
