package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// loader turns the JSON of one model into a Model and gathers what is wrong with it.
type loader struct {
	folders  *folders
	places   *places
	name     string
	raw      rawModel
	selected Selected
	unread   bool // its releases may not be all that there are: there is an error about it already
	findings []Finding
	loaded   Model
	ok       bool
}

// report adds an error about the model, or about an environment where the path leads below serve.
func (l *loader) report(code, hint string, path []string, format string, args ...any) {
	full := append([]string{"models", l.name}, path...)
	l.findings = append(l.findings, Finding{Code: code, Severity: Error, Scope: scopeOf(full), Pos: l.places.at(full...),
		Message: oneLine(fmt.Sprintf(format, args...)), Hint: oneLine(hint)})
}

// warn is report for what freezes nothing.
func (l *loader) warn(code, hint string, path []string, format string, args ...any) {
	l.report(code, hint, path, format, args...)
	l.findings[len(l.findings)-1].Severity = Warning
}

// note is report for what is as it should be.
func (l *loader) note(code, hint string, path []string, format string, args ...any) {
	l.report(code, hint, path, format, args...)
	l.findings[len(l.findings)-1].Severity = Note
}

// model is not ok where CUE found an error in it already, or where it can't be read.
func (l *loader) model() (Model, bool) {
	if l.raw.Body == nil {
		return Model{}, false
	}
	var fields map[string]any
	var body rawBody
	err := errors.Join(decode(l.raw.Body, &fields), decode(l.raw.Body, &body))
	if err == nil {
		_, err = normalize(fields)
	}
	if err != nil { // unreachable as long as the definitions are right
		l.report(codeValue, "", nil, "the model can't be read: %v", err)
		return Model{}, false
	}
	return l.build(body, fields)
}

func (l *loader) build(body rawBody, fields map[string]any) (Model, bool) {
	m := Model{Name: l.name, Owner: body.Owner, Labels: body.Labels, Select: body.Select.selection(l.raw.Gate)}
	m.Train = body.Train.train(fields)
	m.Train.Source = l.source(body.Train.Source, "train", "source")
	var pack Source
	if body.Package != nil && body.Package.Image != "" {
		m.Package = body.Package.pack()
		pack = l.source(body.Package.Source, "package", "source")
		m.Package.Source = pack
	}
	m.Serve = l.environments(l.raw.Serve)
	m.Places = l.written()
	var err error
	if m.Digests, err = digests(fields, l.raw.Gate, m.Train.Source, pack); err != nil {
		l.report(codeValue, "", nil, "%v", err)
		return Model{}, false
	}
	l.rules(m)
	l.idle(body, m)
	return m, true
}

// written is where the fields of the model are.
func (l *loader) written() Places { return l.places.model(l.name) }

// train fills in Trefoil's defaults; the values of parameters come from the normalized fields.
func (r rawTrain) train(fields map[string]any) Train {
	written := section(fields, "train")
	t := Train{Image: r.Image, Command: r.Command, Params: params(section(written, "params")), Artifact: r.Artifact,
		Resources: r.Resources, Timeout: duration(r.Timeout, 0), Search: r.Search.search(section(written, "search")), Polyaxon: r.Polyaxon}
	if r.Revision != nil {
		t.Revision = fmt.Sprint(r.Revision)
	}
	return t
}

func (r rawSearch) search(written map[string]any) Search {
	s := Search{Concurrency: valueOr(r.Concurrency, 1)}
	switch {
	case r.Random != nil:
		s.Kind, s.Experiments, s.Seed = Random, r.Random.Experiments, valueOr(r.Random.Seed, 1)
	case r.Grid != nil:
		s.Kind, s.Experiments = Grid, r.Grid.Experiments
	default:
		points, _ := written["mapping"].([]any)
		s.Kind, s.Experiments = Mapping, len(points)
		for _, point := range points {
			values, _ := point.(map[string]any)
			s.Mapping = append(s.Mapping, params(values))
		}
	}
	matrix := section(written, "matrix")
	for _, name := range sortedKeys(matrix) {
		for kind, value := range section(matrix, name) {
			s.Matrix = append(s.Matrix, Dimension{name, kind, value})
		}
	}
	return s
}

func (r rawSelect) selection(gate []Bound) Select {
	return Select{Objective: r.Objective, Gate: gate, Then: slices.Concat(r.Then), Minimum: valueOr(r.Minimum, 0.5), ByHand: r.By == "hand",
		Experiment: r.Experiment}
}

func (r rawPackage) pack() *Package {
	p := Package{Image: r.Image, Credentials: r.Credentials, Attempt: r.Attempt, Timeout: duration(r.Timeout, time.Hour),
		Resources: r.Resources, Argo: r.Argo, Builder: valueOr(r.Builder, rawBuilder{}).builder(), Claim: r.Artifact.claim(),
		Registry: r.Registry, GitCredentials: r.GitCredentials, ServiceAccount: r.ServiceAccount}
	if ca := p.Registry.CA; ca != nil && ca.Key == "" {
		ca.Key = "ca.crt"
	}
	return &p
}

func (r rawArtifact) claim() *Claim {
	if r.From.PVC == nil {
		return nil
	}
	return &Claim{r.From.PVC.Claim, r.From.PVC.Path}
}

func (r rawBuilder) builder() Builder {
	const usual = "Dockerfile"
	switch {
	case r.S2I != nil:
		return Builder{S2I: r.S2I.Image, Dockerfile: r.S2I.Dockerfile}
	case r.BuildKit != nil:
		return Builder{BuildKit: true, Dockerfile: cmp.Or(r.BuildKit.Dockerfile, usual)}
	case r.Buildah != nil:
		return Builder{Dockerfile: cmp.Or(r.Buildah.Dockerfile, usual)}
	}
	return Builder{Dockerfile: usual}
}

// environments fills in Trefoil's defaults. One that can't be read is reported and left out.
func (l *loader) environments(serve map[string]json.RawMessage) []Environment {
	var list []Environment
	for _, name := range sortedKeys(serve) {
		var r rawEnvironment
		err := decode(serve[name], &r)
		e := Environment{Name: name, Namespace: r.Namespace, ObjectName: r.Name, Replicas: valueOr(r.Replicas, 1),
			Autoscale: r.Autoscale.autoscale(), NoEngine: !valueOr(r.Engine, true), Deadline: duration(r.Deadline, 0),
			Resources: r.Resources, Waive: r.Waive, Seldon: r.Seldon}
		if e.ObjectName == "" {
			e.ObjectName = l.name
		}
		if r.Check != nil {
			e.Check = &Check{Data: string(r.Check.Data), Expect: slices.Concat(l.raw.Expect[name])}
		}
		if err == nil && r.Release != nil && r.Release != "latest" {
			e.Release, err = strconv.Atoi(fmt.Sprint(r.Release))
		}
		if err != nil {
			l.report(codeValue, "", []string{"serve", name, "namespace"}, "the environment can't be read: %v", err)
			continue
		}
		if r.Deadline != "" && (e.Deadline < time.Second || e.Deadline > 24*time.Hour) {
			l.report(codeValue, "write one from 1s to 24h", []string{"serve", name, "deadline"}, "serve.%s.deadline is %q", name, r.Deadline)
		}
		if r.Autoscale != nil && r.Replicas != nil {
			l.report(codeExactly, "take replicas out: autoscale says it, from min to max", []string{"serve", name, "replicas"},
				"serve.%s has both replicas and autoscale", name)
		}
		list = append(list, e)
	}
	return list
}

// selections decodes what the daemon wrote; what can't be is added to the findings.
func (j judgement) selections(found *[]Finding) map[string]Selected {
	all := map[string]Selected{}
	for _, name := range sortedKeys(j.Selected) {
		s, err := decodeSelected(j.Selected[name])
		if err != nil {
			*found = append(*found, Finding{Code: codeValue, Severity: Error, Scope: Scope{Model: name},
				Pos: j.Places.at("selected", name), Message: fmt.Sprintf("the selection can't be read: %v", err)})
			continue
		}
		all[name] = s
	}
	return all
}

func decodeSelected(data []byte) (Selected, error) {
	var r rawSelected
	if err := decode(data, &r); err != nil {
		return Selected{}, err
	}
	s := Selected{Latest: r.Latest, Last: r.Last}
	for key, release := range r.Releases {
		n, err := strconv.Atoi(key)
		if err != nil {
			return Selected{}, err
		}
		if _, err := normalize(release.Params); err != nil {
			return Selected{}, err
		}
		s.Releases = append(s.Releases, Release{Number: n, Answers: release.Answers, Experiment: release.Experiment,
			Params: release.Params, Metrics: release.Metrics, Artifact: release.Artifact, Commit: release.Commit, Image: release.Image})
	}
	slices.SortFunc(s.Releases, func(a, b Release) int { return a.Number - b.Number })
	return s, nil
}
