package render

import (
	"math"
	"path"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Paths in the pod of an experiment, which Polyaxon fills in. The first is where its init containers put what they fetch,
// "/plx-context/artifacts" unless an installation moved it; the second is RUN-UUID/outputs below that.
const (
	artifactsPath = "{{ globals.artifacts_path }}"
	outputsPath   = "{{ globals.run_outputs_path }}"
)

// NewSearch is the Polyaxon 2.x operation that runs the search of a model. Its code is checked out at the given commit, the
// tip that the plan was made on: the source folder is the same in every commit that has the search digest, so the search
// that a later tip asks for is still this one.
//
// An experiment starts in its source folder, "{{ globals.artifacts_path }}/REPO/FOLDER". Polyaxon clones into REPO, the last
// element of the repository's URL up to its first dot: of https://example.com/team/models.git it is "models". With a
// connection it is the connection's name. What the experiment leaves in $POLYAXON_RUN_OUTPUTS_PATH,
// "{{ globals.run_outputs_path }}", are its outputs.
func NewSearch(m schema.Model, s Settings, commit string) Object {
	ref := SearchRef(m)
	body := operation(m, s, commit, ref.Name)
	merge(body, m.Train.Polyaxon)
	return Object{Ref: ref, Model: m.Name, Digest: m.Digests.Search, Body: body}
}

// SearchRef is the name of the search that a model asks for.
func SearchRef(m schema.Model) Ref {
	return Ref{Kind: Search, Name: m.Name + "-" + m.Digests.Search.Short()}
}

// operation is what Trefoil itself says of a search.
func operation(m schema.Model, s Settings, commit, name string) map[string]any {
	return map[string]any{
		"version":   1.1,
		"kind":      "operation",
		"name":      name,
		"cache":     map[string]any{"disable": true}, // else Polyaxon copies results of equal experiments, without their files
		"matrix":    matrix(m.Train.Search),
		"component": component(m, s, commit),
	}
}

// matrix is the search space. Polyaxon draws samples in the order in which params reach it; encoders sort the keys of a map,
// so that order is by name, and a seed means the same samples everywhere.
func matrix(s schema.Search) map[string]any {
	body := map[string]any{"kind": string(s.Kind)}
	if s.Concurrency > 0 {
		body["concurrency"] = int64(s.Concurrency)
	}
	if s.Kind == schema.Mapping {
		values := make([]any, len(s.Mapping))
		for i, point := range s.Mapping {
			values[i] = named(point)
		}
		body["values"] = values
		return body
	}
	params := map[string]any{}
	for _, d := range s.Matrix {
		params[d.Name] = map[string]any{"kind": d.Kind, "value": own(d.Value)}
	}
	body["params"] = params
	if s.Experiments > 0 {
		body["numRuns"] = int64(s.Experiments)
	}
	if s.Kind == schema.Random {
		body["seed"] = seed(s.Seed)
	}
	return body
}

// seed is the one that Polyaxon draws by: it takes 0 for no seed at all, and fails outside of 32 bits, so those that people
// write beyond 1 to 2^32-1 are brought in there.
func seed(written int64) int64 {
	rest := written % math.MaxUint32
	if rest <= 0 {
		rest += math.MaxUint32
	}
	return rest
}

// named is parameters by name.
func named(params []schema.Param) map[string]any {
	values := map[string]any{}
	for _, p := range params {
		values[p.Name] = own(p.Value)
	}
	return values
}

// component is what one experiment runs. Its termination limits each experiment; the matrix itself has no limit.
func component(m schema.Model, s Settings, commit string) map[string]any {
	body := map[string]any{
		"version": 1.1,
		"kind":    "component",
		"name":    m.Name,
		"inputs":  inputs(m.Train),
		"outputs": outputs(m.Select),
		"run":     job(m, s, commit),
	}
	if m.Train.Timeout > 0 {
		body["termination"] = map[string]any{"timeout": seconds(m.Train.Timeout)}
	}
	return body
}

func job(m schema.Model, s Settings, commit string) map[string]any {
	t := m.Train
	container := map[string]any{
		"image": t.Image,
		"env":   []any{map[string]any{"name": "POLYAXON_RUN_OUTPUTS_PATH", "value": outputsPath}},
	}
	if len(t.Command) > 0 {
		container["command"] = texts(t.Command[0])
	}
	if len(t.Command) > 1 {
		container["args"] = texts(t.Command[1:]...)
	}
	if section, found := resources(t.Resources); found {
		container["resources"] = section
	}
	run := map[string]any{"kind": "job", "container": container}
	if len(m.Labels) > 0 {
		run["environment"] = map[string]any{"labels": fields(m.Labels)}
	}
	if c, found := s.checkout(t.Source, commit); found {
		init, repo := map[string]any{"git": map[string]any{"url": c.url, "revision": c.commit}}, cloned(c.url)
		if s.Polyaxon.GitConnection != "" && c.specs {
			init["connection"], repo = s.Polyaxon.GitConnection, s.Polyaxon.GitConnection
		}
		run["init"] = []any{init}
		container["workingDir"] = path.Join(artifactsPath, repo, c.folder)
	}
	return run
}

// cloned is the name of the folder that Polyaxon clones a repository into.
func cloned(url string) string {
	name, _, _ := strings.Cut(url[strings.LastIndex(url, "/")+1:], ".")
	return name
}

// checkout is a folder of a repository at a commit, as pods fetch it.
type checkout struct {
	url, commit string
	folder      string // relative to the root of the repository; empty for the root
	specs       bool   // of the spec repository
}

// checkout says where code comes from; false where it is in the image.
func (s Settings) checkout(source schema.Source, commit string) (checkout, bool) {
	specs := strings.TrimRight(s.Repository, "/")
	switch {
	case source.Git != nil:
		url := strings.TrimRight(source.Git.URL, "/")
		return checkout{url: url, commit: source.Git.Commit, specs: url == specs}, true
	case source.Path != "":
		folder := path.Join(s.Path, source.Path)
		if folder == "." {
			folder = ""
		}
		return checkout{url: specs, commit: commit, folder: folder, specs: true}, true
	}
	return checkout{}, false
}
