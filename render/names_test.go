package render_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestWorkflowName changes what a Workflow is made from: its name is another one exactly where the build is.
func TestWorkflowName(t *testing.T) {
	base := load(t, "testdata/mnist")
	name := render.NewWorkflow(base.Model, base.Release, settings).Ref.Name
	for what, test := range map[string]struct {
		change func(*schema.Package, *schema.Release)
		other  bool
	}{
		"package digest": {func(_ *schema.Package, r *schema.Release) { r.Answers.Package = "v1-0000" }, true},
		"experiment":     {func(_ *schema.Package, r *schema.Release) { r.Experiment = strings.Repeat("0", 32) }, true},
		"artifact":       {func(_ *schema.Package, r *schema.Release) { r.Artifact.Path = "other.dat" }, true},
		"bytes of it":    {func(_ *schema.Package, r *schema.Release) { r.Artifact.SHA256 = strings.Repeat("0", 64) }, true},
		"attempt":        {func(p *schema.Package, _ *schema.Release) { p.Attempt++ }, true},
		"number":         {func(_ *schema.Package, r *schema.Release) { r.Number++ }, false},
		"commit":         {func(_ *schema.Package, r *schema.Release) { r.Commit = strings.Repeat("0", 40) }, false},
		"image":          {func(_ *schema.Package, r *schema.Release) { r.Image = "" }, false},
		"other digests":  {func(_ *schema.Package, r *schema.Release) { r.Answers.Select = "v1-0000" }, false},
		"credentials":    {func(p *schema.Package, _ *schema.Release) { p.Credentials = "" }, false},
		"claim":          {func(p *schema.Package, _ *schema.Release) { p.Claim = &schema.Claim{Name: "runs"} }, false},
		"registry":       {func(p *schema.Package, _ *schema.Release) { p.Registry.HTTP = true }, false},
		"account":        {func(p *schema.Package, _ *schema.Release) { p.ServiceAccount = "packager" }, false},
		"resources":      {func(p *schema.Package, _ *schema.Release) { p.Resources = schema.Resources{} }, false},
		"time-out":       {func(p *schema.Package, _ *schema.Release) { p.Timeout = 0 }, false},
	} {
		m, r, p := base.Model, base.Release, *base.Model.Package
		test.change(&p, &r)
		m.Package = &p
		if got := render.NewWorkflow(m, r, settings).Ref.Name; (got != name) != test.other {
			t.Errorf("%s: %s became %s", what, name, got)
		}
	}
}

// TestSearchName changes commit and scheduling: it is still the same search.
func TestSearchName(t *testing.T) {
	s := load(t, "testdata/mnist")
	want := render.NewSearch(s.Model, settings, s.Commit)
	s.Model.Train.Search.Concurrency++
	s.Model.Train.Resources = schema.Resources{}
	got := render.NewSearch(s.Model, settings, strings.Repeat("0", 40))
	if got.Ref != want.Ref || got.Digest != want.Digest {
		t.Errorf("%s became %s", want.Ref, got.Ref)
	}
}

// TestPredictorStays serves another release of the same image, with other labels of the model: its pods are not restarted.
func TestPredictorStays(t *testing.T) {
	s := load(t, "testdata/mnist")
	e := s.Model.Serve[0]
	before := render.NewSeldonDeployment(s.Model, e, s.Release, settings)
	s.Model.Labels = map[string]string{"team": "other"}
	if got := render.NewSeldonDeployment(s.Model, e, s.Release, settings); got.Digest != before.Digest {
		t.Error("labels of the model change what runs")
	}
	s.Release.Number++
	after := render.NewSeldonDeployment(s.Model, e, s.Release, settings)
	if diff := cmp.Diff(before.Body["spec"], after.Body["spec"]); diff != "" {
		t.Error(diff)
	}
	if before.Digest == after.Digest {
		t.Error("the label of the release changed, the digest did not")
	}
}

// TestOwnLabelsWin gives a model labels by which objects would be lost.
func TestOwnLabelsWin(t *testing.T) {
	s := load(t, "testdata/mnist")
	s.Model.Labels = map[string]string{render.LabelManagedBy: "me", render.LabelRepository: "mine", render.LabelModel: "other"}
	metadata := render.NewWorkflow(s.Model, s.Release, settings).Body["metadata"].(map[string]any)
	want := map[string]any{render.LabelManagedBy: render.ManagedBy, render.LabelRepository: settings.Owner, render.LabelModel: "mnist", render.LabelRelease: strconv.Itoa(s.Release.Number)}
	if diff := cmp.Diff(want, metadata["labels"]); diff != "" {
		t.Error(diff)
	}
}

// TestSecretsOfSpecs renders code of the spec repository and of others: only for the former there are credentials, and names
// and digests are the same with them.
func TestSecretsOfSpecs(t *testing.T) {
	base := load(t, "testdata/mnist")
	commit := strings.Repeat("0", 40)
	for name, test := range map[string]struct {
		source schema.Source
		given  bool
	}{
		"folder":       {schema.Source{Path: "code"}, true},
		"its URL":      {schema.Source{Git: &schema.GitSource{URL: settings.Repository + "/", Commit: commit}}, true},
		"same host":    {schema.Source{Git: &schema.GitSource{URL: "https://git.example.com/team/models", Commit: commit}}, false},
		"another host": {schema.Source{Git: &schema.GitSource{URL: "https://git.example.org/team/models.git", Commit: commit}}, false},
		"in the image": {schema.Source{}, false},
	} {
		m, p := base.Model, *base.Model.Package
		m.Train.Source, p.Source, m.Package = test.source, test.source, &p
		search, workflow := render.NewSearch(m, private(), base.Commit), render.NewWorkflow(m, base.Release, private())
		if got := strings.Contains(string(render.YAML(search)), "connection: specs"); got != test.given {
			t.Errorf("%s: a connection: %v", name, got)
		}
		text := string(render.YAML(workflow))
		if got := strings.Count(text, "git-login") + strings.Count(text, "name: git-credentials"); (got == 3) != test.given || (got == 0) == test.given {
			t.Errorf("%s: credentials in %d places", name, got)
		}
		if search.Digest != base.Model.Digests.Search || workflow.Ref != render.NewWorkflow(m, base.Release, settings).Ref {
			t.Errorf("%s: settings changed what things are called", name)
		}
	}
}
