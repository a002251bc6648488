package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// fields are all that a model says. What is empty is left out, so that it reads as not there.
func fields(m schema.Model, mask Mask) []field {
	w := writer{mask: mask}
	w.text(m.Owner, "owner")
	w.texts(m.Labels, "labels")
	w.train(m.Train)
	w.choice(m.Select)
	if m.Package != nil {
		w.pack(*m.Package)
	}
	for _, e := range m.Serve {
		w.environment(e, m.Name)
	}
	return w.all
}

// content ends the name of what no field says: what a folder holds.
const content = ".content"

// writer gathers fields.
type writer struct {
	all  []field
	mask Mask
}

func (w *writer) add(value string, path ...string) {
	if value != "" {
		w.all = append(w.all, field{path: path, value: value, shown: value})
	}
}

// secretive adds what may hold secrets, which people see without them.
func (w *writer) secretive(value any, path ...string) {
	w.value(value, path...)
	if w.mask != nil {
		w.all[len(w.all)-1].shown = encoded(w.mask(path[len(path)-1], value))
	}
}

// usual says of the last field whether it is the default.
func (w *writer) usual(is bool) { w.all[len(w.all)-1].usual = is }

func (w *writer) text(value string, path ...string) {
	if value != "" {
		w.add(strconv.Quote(value), path...)
	}
}

// value adds anything that JSON has.
func (w *writer) value(value any, path ...string) {
	w.add(encoded(value), path...)
}

func encoded(value any) string {
	text, err := json.Marshal(value)
	if err != nil { // unreachable: it came from JSON
		return strconv.Quote(fmt.Sprint(value))
	}
	return string(text)
}

// anys is a list of texts as a mask takes it.
func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

func (w *writer) texts(values map[string]string, path ...string) {
	for _, key := range sorted(values) {
		w.text(values[key], append(slices.Clone(path), key)...)
	}
}

func (w *writer) extra(x schema.Extra, path ...string) {
	if len(x) > 0 {
		w.secretive(map[string]any(x), path...)
	}
}

func (w *writer) resources(r schema.Resources, path ...string) {
	w.texts(r.Limits, append(slices.Clone(path), "resources", "limits")...)
	w.texts(r.Requests, append(slices.Clone(path), "resources", "requests")...)
}

func (w *writer) source(s schema.Source, part string) {
	switch {
	case s.Git != nil:
		w.text(s.Git.URL, part, "source", "git", "url")
		w.text(s.Git.Commit, part, "source", "git", "commit")
	case s.Path != "":
		w.text(s.Path, part, "source", "path")
		w.add(fmt.Sprintf("%.7s", s.Tree), part, "source", "path", "content") // it has the place of the path
	}
}

func (w *writer) duration(d time.Duration, path ...string) {
	if d > 0 {
		w.text(Duration(d), path...)
	}
}

func (w *writer) train(t schema.Train) {
	w.text(t.Image, "train", "image")
	w.source(t.Source, "train")
	w.secretive(anys(t.Command), "train", "command")
	for _, p := range t.Params {
		w.secretive(p.Value, "train", "params", p.Name)
	}
	w.search(t.Search)
	w.text(t.Artifact, "train", "artifact")
	w.resources(t.Resources, "train")
	w.text(t.Revision, "train", "revision")
	w.duration(t.Timeout, "train", "timeout")
	w.extra(t.Polyaxon, "train", "polyaxon")
}

func (w *writer) search(s schema.Search) {
	switch {
	case s.Kind == schema.Random:
		w.value(s.Experiments, "train", "search", "random", "experiments")
		w.value(s.Seed, "train", "search", "random", "seed")
		w.usual(s.Seed == 1)
	case s.Kind == schema.Grid && s.Experiments == 0:
		w.add("{}", "train", "search", "grid")
	case s.Kind == schema.Grid:
		w.value(s.Experiments, "train", "search", "grid", "experiments")
	default:
		w.value(points(s.Mapping), "train", "search", "mapping")
	}
	w.value(s.Concurrency, "train", "search", "concurrency")
	for _, d := range s.Matrix {
		w.value(d.Value, "train", "search", "matrix", d.Name, d.Kind)
	}
}

func points(mapping [][]schema.Param) []map[string]any {
	all := []map[string]any{}
	for _, point := range mapping {
		values := map[string]any{}
		for _, p := range point {
			values[p.Name] = p.Value
		}
		all = append(all, values)
	}
	return all
}

func (w *writer) choice(s schema.Select) {
	w.text(s.Metric, "select", "metric")
	w.text(string(s.Goal), "select", "goal")
	for metric, bounds := range bounds(s.Gate) {
		w.add(bounds, "select", "#gate", metric)
	}
	if len(s.Then) > 0 {
		w.value(objectives(s.Then), "select", "then")
	}
	w.value(s.Minimum, "select", "minimum")
	by := "metric"
	if s.ByHand {
		by = "hand"
	}
	w.text(by, "select", "by")
	w.text(s.Experiment, "select", "experiment")
}

func objectives(all []schema.Objective) []map[string]string {
	list := []map[string]string{}
	for _, o := range all {
		list = append(list, map[string]string{"metric": o.Metric, "goal": string(o.Goal)})
	}
	return list
}

func (w *writer) pack(p schema.Package) {
	w.text(p.Image, "package", "image")
	w.source(p.Source, "package")
	w.text(p.Builder.S2I, "package", "builder", "s2i", "image")
	if file := p.Builder.Dockerfile; file != "" {
		w.text(file, "package", "builder", p.Builder.Name(), "dockerfile")
		w.usual(file == "Dockerfile" && p.Builder.Name() == "buildah")
	}
	if p.Claim != nil {
		w.text(p.Claim.Name, "package", "artifact", "from", "pvc", "claim")
		w.text(p.Claim.Path, "package", "artifact", "from", "pvc", "path")
	}
	w.text(p.Credentials, "package", "credentials")
	w.text(p.GitCredentials, "package", "gitCredentials")
	w.registry(p.Registry)
	w.text(p.ServiceAccount, "package", "serviceAccount")
	w.value(p.Attempt, "package", "attempt")
	w.duration(p.Timeout, "package", "timeout")
	w.resources(p.Resources, "package")
	w.extra(p.Argo, "package", "argo")
}

func (w *writer) registry(r schema.Registry) {
	if r.HTTP {
		w.value(true, "package", "registry", "http")
	}
	if r.CA != nil {
		w.text(r.CA.Secret, "package", "registry", "ca", "secret")
		w.text(r.CA.ConfigMap, "package", "registry", "ca", "configMap")
		w.text(r.CA.Key, "package", "registry", "ca", "key")
		w.usual(r.CA.Key == "ca.crt")
	}
}
