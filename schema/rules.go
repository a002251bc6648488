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
		l.promotion(e, m.Select)
	}
}

func (l *loader) pack(p Package) {
	if tail := p.Image[strings.LastIndex(p.Image, "/")+1:]; strings.ContainsAny(tail, ":@") {
		l.report(codeImage, "Trefoil adds the digest of what it built", []string{"package", "image"},
			"image %q has a tag or digest", p.Image)
	}
	if p.Source == (Source{}) {
		l.report(codeNoSource, expectation("#Source"), []string{"package"}, "package.source is missing: there is nothing to build from")
	}
	if p.Builder.S2I == "" && !cleanRelative(p.Builder.Dockerfile) {
		l.report(codePath, "", []string{"package", "builder", "buildah", "dockerfile"},
			"dockerfile %q is not a path below the source", p.Builder.Dockerfile)
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
