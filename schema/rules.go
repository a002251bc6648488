package schema

import (
	"fmt"
	"math"
	"path"
	"strings"
)

// rules checks what CUE can't say about a model.
func (l *loader) rules(m Model) {
	l.templates(m.Train)
	l.matrix(m.Train.Search)
	l.limits(m)
	l.kinds(m.Train.Search)
	l.labels(m.Labels)
	l.image(m.Train.Image, "train", "image")
	l.resources(m.Train.Resources, "train")
	l.extra(m.Train.Polyaxon, "train", "polyaxon")
	l.measured(m.Select)
	l.apart(m.Select)
	if m.Select.Experiment != "" && !m.Select.ByHand {
		l.report(codeHand, `add by: "hand"`, []string{"select", "experiment"}, "an experiment is picked, but selection is by metric")
	}
	if m.Package != nil {
		l.pack(*m.Package)
	}
	if len(m.Serve) > 0 && m.Package == nil {
		l.report(codeNoImage, "set package.image and package.source", []string{"serve"}, "the model is served, but nothing packages it")
	}
	for _, e := range m.Serve {
		l.environment(e, m.Select)
	}
}

func (l *loader) environment(e Environment, s Select) {
	l.promotion(e, s)
	l.coming(e)
	l.waived(e, s)
	l.objectName(e)
	l.scaling(e)
	l.resources(e.Resources, "serve", e.Name)
	l.extra(e.Seldon, "serve", e.Name, "seldon")
}

// objectName checks the name of a SeldonDeployment: Seldon calls Services by it, NAME-main.
func (l *loader) objectName(e Environment) {
	const longest = 63 - len("-main")
	if len(e.ObjectName) > longest || e.ObjectName < "a" {
		l.report(codeName, fmt.Sprintf("a letter first, at most %d characters", longest), []string{"serve", e.Name, "name"},
			"%q can't be the name of a SeldonDeployment", e.ObjectName)
	}
}

func (l *loader) pack(p Package) {
	l.repository(p.Image, "package", "image")
	l.resources(p.Resources, "package")
	l.extra(p.Argo, "package", "argo")
	if p.Builder.S2I != "" {
		l.image(p.Builder.S2I, "package", "builder", "s2i", "image")
	}
	if p.Source == (Source{}) {
		l.report(codeNoSource, expectation("#Source"), []string{"package"}, "package.source is missing: there is nothing to build from")
	}
	if p.Claim != nil && p.Claim.Path != "" && !cleanRelative(p.Claim.Path) {
		l.report(codePath, `relative to the claim's root, such as "runs"`, []string{"package", "artifact", "from", "pvc", "path"},
			"%q is not a path below the claim", p.Claim.Path)
	}
	if p.Builder.Dockerfile != "" && !cleanRelative(p.Builder.Dockerfile) {
		l.report(codePath, `relative to the source, such as "Dockerfile" or "docker/serve.Dockerfile"`,
			[]string{"package", "builder", p.Builder.Name(), "dockerfile"}, "dockerfile %q is not a path below the source", p.Builder.Dockerfile)
	}
}

// cleanRelative reports whether a path is slash-separated, relative, in its shortest form and stays below where it starts. #Path
// says the same of artifacts in CUE.
func cleanRelative(name string) bool {
	return name != "." && name == path.Clean(name) && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") &&
		!strings.ContainsAny(name, "\\\x00\n") && !strings.Contains(name, "{{") // which the engines would fill in
}

// promotion checks a release that an environment names against what is known of it. One that is still to come is no finding.
func (l *loader) promotion(e Environment, s Select) {
	if e.Release == 0 {
		return
	}
	at := []string{"serve", e.Name, "release"}
	r, ok := l.selected.Release(e.Release)
	if !ok {
		if e.Release <= l.selected.Last {
			l.report(codeReleaseGone, "name another release", at, "release %d was removed from selected/%s.cue", e.Release, l.name)
		}
		return
	}
	if e.Waive != "" {
		return
	}
	for _, b := range s.Gate {
		value, measured := r.Metrics[b.Metric]
		if measured && b.Holds(value) {
			continue
		}
		has := fmt.Sprintf("has %s %v", b.Metric, value)
		if !measured {
			has = "has no " + b.Metric
		}
		l.report(codeBelowGate, `name another release, or say why it may be served: waive: "reason"`, at,
			"release %d %s, but the gate at %s is %s%v", e.Release, has, b.Pos, b.Op, b.Value)
		return
	}
}

// finite reports whether a number is one that can be computed with.
func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
