package plan_test

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// noon is when all cases happen.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const tip = "c0ffee0000000000000000000000000000000000"

// scene is a case: the specs of now and of before, and what is live.
type scene struct {
	now, before, old schema.Catalog
	names            *strings.Replacer // {mnist.search} -> digest
	masks            *strings.Replacer // and back
	live             []liveObject
	renamed          string // what mnist is called now
}

// liveObject is an entry of live.yaml.
type liveObject struct {
	Kind        render.Kind
	Model       string
	Environment string
	From        string   // "before" renders it from before.cue, "old" from old.cue
	Release     int      // of a Workflow or SeldonDeployment
	Label       int      // overrides what a Workflow is labelled with
	Digest      string   // overrides
	Lost        []string // leaves of a SeldonDeployment that somebody else wrote since; without it the engine does not tell
	Namespace   string   // overrides
	UID         string
	Phase       plan.Phase
	Message     string
	Log         string
	Age         string // default 30m
	Image       string // of a Workflow; overrides that of a SeldonDeployment
	Stuck       bool
	Ending      bool
	Run         string // of a Claim
	Expires     string // of a Claim, from now; may be negative; empty for a garbled one
	Starts      int    // of a Claim: experiments
	Refused     string // of a Claim
	Experiments []liveExperiment
	Unknown     string // why the kind can't be observed; nothing else is said then
	Absent      bool   // beside Unknown: the engine does not have the kind
}

type liveExperiment struct {
	UID       string
	Phase     plan.Phase
	Params    map[string]any
	Metrics   map[string]string // as text, because "NaN" and "Inf" are no JSON
	Artifacts map[string]string
}

func settings() render.Settings {
	return render.Settings{
		Repository: "https://git.example.com/ml/models.git", Owner: "r-0000000000000000",
		Polyaxon:  render.Polyaxon{URL: "http://polyaxon.example", Owner: "default", Project: "trefoil"},
		Workflows: render.Workflows{Namespace: "argo"},
	}
}

func newScene(t *testing.T, archive *txtar.Archive, loads judged) *scene {
	t.Helper()
	s := &scene{renamed: section(archive, "rename")}
	s.before, s.old = loads.load(t, files(archive, "before.cue", nil)), loads.load(t, files(archive, "old.cue", nil))
	plain := loads.load(t, files(archive, "models.cue", nil))
	s.names, s.masks = s.digests(plain)
	s.now = loads.load(t, files(archive, "models.cue", s.names))
	if err := yaml.UnmarshalStrict([]byte(s.names.Replace(section(archive, "live.yaml"))), &s.live); err != nil {
		t.Fatal(err)
	}
	return s
}

// files is the repository: the file with the models, and, with names, what is selected.
func files(archive *txtar.Archive, models string, names *strings.Replacer) repository {
	r := repository{fstest.MapFS{"train/run.py": {Data: []byte("train")}, "serve/Model.py": {Data: []byte("serve")}, "serve2/Model.py": {Data: []byte("serve")}}}
	for _, f := range archive.Files {
		switch {
		case f.Name == models:
			r.MapFS["models.cue"] = &fstest.MapFile{Data: f.Data}
		case names != nil && strings.HasPrefix(f.Name, "selected/"):
			r.MapFS[f.Name] = &fstest.MapFile{Data: []byte(names.Replace(string(f.Data)))}
		}
	}
	return r
}

// repository is a tree whose folders have their names as hashes.
type repository struct{ fstest.MapFS }

func (r repository) Hash(folder string) (string, error) {
	_, err := fs.Stat(r.MapFS, folder)
	return fmt.Sprintf("%040x", folder), err
}

func load(t *testing.T, r repository) schema.Catalog {
	t.Helper()
	if _, ok := r.MapFS["models.cue"]; !ok {
		return schema.Catalog{}
	}
	c, err := schema.Load(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// judged are the repositories that were loaded: cases with one base have most of theirs in common.
type judged map[string]schema.Catalog

func (j judged) load(t *testing.T, r repository) schema.Catalog {
	t.Helper()
	key := ""
	for _, name := range slices.Sorted(maps.Keys(r.MapFS)) {
		key += fmt.Sprintf("%q %q ", name, r.MapFS[name].Data)
	}
	if _, known := j[key]; !known {
		j[key] = load(t, r)
	}
	return j[key]
}

// digests names the digests of all models, and hides them again in what is printed.
func (s *scene) digests(plain schema.Catalog) (names, masks *strings.Replacer) {
	var to, back []string
	for prefix, c := range map[string]schema.Catalog{"": plain, "before.": s.before, "old.": s.old} {
		for _, m := range c.Models {
			for part, d := range map[string]schema.Digest{"search": m.Digests.Search, "select": m.Digests.Select, "package": m.Digests.Package} {
				name := "{" + prefix + m.Name + "." + part + "}"
				to = append(to, name, string(d))
				if prefix == "" || !known(plain, d) && (prefix == "before." || !known(s.before, d)) {
					back = append(back, string(d), name, d.Short(), name)
				}
			}
		}
	}
	return strings.NewReplacer(to...), strings.NewReplacer(back...)
}

func known(c schema.Catalog, d schema.Digest) bool {
	return slices.ContainsFunc(c.Models, func(m schema.Model) bool {
		return d == m.Digests.Search || d == m.Digests.Select || d == m.Digests.Package
	})
}

func (s *scene) masked(text string) string {
	return regexp.MustCompile(`v1-[0-9a-f]{12,64}`).ReplaceAllString(s.masks.Replace(text), "{digest}")
}

func (s *scene) input(t *testing.T) plan.Input {
	t.Helper()
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}, Unknown: map[render.Kind]string{}, Absent: map[render.Kind]bool{}}
	for i, l := range s.live {
		if l.Unknown != "" {
			live.Unknown[l.Kind], live.Absent[l.Kind] = l.Unknown, l.Absent
			continue
		}
		o := s.observed(t, i, l)
		live.Objects[o.Ref] = append(live.Objects[o.Ref], o)
	}
	return plan.Input{
		Catalog: s.now, Live: live, Settings: settings(), Revision: tip, Now: noon,
		Limits: plan.Limits{Deletions: 5, ExperimentsPerHour: 20}, Holder: "test", Asking: true,
	}
}

func (s *scene) observed(t *testing.T, i int, l liveObject) plan.Observed {
	t.Helper()
	object := s.object(t, l)
	o := plan.Observed{
		Ref: object.Ref, Model: l.Model, Environment: l.Environment, Digest: object.Digest, Phase: l.Phase, Message: l.Message, Log: l.Log,
		UID: l.UID, Seen: fmt.Sprint(i), Created: noon.Add(-30 * time.Minute), Image: l.Image, Stuck: l.Stuck, Ending: l.Ending,
		Release: cmp.Or(l.Label, l.Release),
	}
	if m, found := s.model(l); found && l.Kind == render.Workflow {
		o.Attempt = m.Package.Attempt
	}
	if o.UID == "" {
		o.UID = fmt.Sprintf("%032x", i)
	}
	if l.Age != "" {
		o.Created = noon.Add(-parse(t, l.Age))
	}
	if l.Digest != "" {
		o.Digest = schema.Digest(l.Digest)
	}
	if l.Namespace != "" {
		o.Ref.Namespace = l.Namespace
	}
	if l.Lost != nil {
		o.Owned = slices.DeleteFunc(render.Leaves(object.Body), func(leaf string) bool { return slices.Contains(l.Lost, leaf) })
	}
	if l.Kind == render.SeldonDeployment {
		r := s.release(l)
		o.Image = cmp.Or(l.Image, r.Image)
	}
	if l.Kind == render.Claim && l.Expires != "" {
		o.Claim = render.ClaimData{Holder: "other", Run: l.Run, Expires: noon.Add(parse(t, l.Expires)), Experiments: l.Starts, Refused: l.Refused}
	}
	for j, e := range l.Experiments {
		o.Experiments = append(o.Experiments, plan.Experiment{
			UID: e.UID, Created: o.Created.Add(time.Duration(j) * time.Second), Ended: o.Created.Add(10 * time.Minute),
			Phase: e.Phase, Params: e.Params, Metrics: numbers(t, e.Metrics), Artifacts: e.Artifacts,
		})
	}
	return o
}

// model is what the entry was made from; false where the model is gone.
func (s *scene) model(l liveObject) (schema.Model, bool) {
	c := s.now
	switch l.From {
	case "before":
		c = s.before
	case "old":
		c = s.old
	}
	i := slices.IndexFunc(c.Models, func(m schema.Model) bool { return m.Name == l.Model })
	if i < 0 {
		return schema.Model{}, false
	}
	return c.Models[i], true
}

// release is what the entry was made for.
func (s *scene) release(l liveObject) schema.Release {
	if r, found := s.now.Selected[l.Model].Release(l.Release); found {
		return r
	}
	r, _ := s.now.Selected[s.renamed].Release(l.Release) // zero for none
	return r
}

// object renders what the entry stands for, so that refs and digests are the real ones.
func (s *scene) object(t *testing.T, l liveObject) render.Object {
	t.Helper()
	m, found := s.model(l)
	if !found {
		return render.Object{Ref: render.Ref{Kind: l.Kind, Namespace: "gone", Name: l.Model}}
	}
	r := s.release(l)
	switch l.Kind {
	case render.Search:
		return render.NewSearch(m, settings(), tip)
	case render.Claim:
		return render.NewClaim(render.NewSearch(m, settings(), tip), render.ClaimData{}, settings())
	case render.Workflow:
		return render.NewWorkflow(m, r, settings())
	}
	for _, e := range m.Serve {
		if e.Name == l.Environment {
			return render.NewSeldonDeployment(m, e, r, settings())
		}
	}
	return render.Object{Ref: render.Ref{Kind: l.Kind, Namespace: "gone", Name: l.Model}}
}

func numbers(t *testing.T, metrics map[string]string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for name, text := range metrics {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = v
	}
	return all
}

func parse(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s *scene) put(archive *txtar.Archive, name, content string) {
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
	archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(content)})
}
