package review

import (
	"encoding/json"
	"slices"

	"github.com/trefoil-gitops/trefoil/schema"
)

func (w *writer) environment(e schema.Environment, model string) {
	w.text(e.Namespace, "serve", e.Name, "namespace")
	if e.Release == 0 {
		w.text("latest", "serve", e.Name, "release")
	} else {
		w.value(e.Release, "serve", e.Name, "release")
	}
	if a := e.Autoscale; a != nil {
		w.value(a.Min, "serve", e.Name, "autoscale", "min")
		w.value(a.Max, "serve", e.Name, "autoscale", "max")
		w.value(a.CPU, "serve", e.Name, "autoscale", "cpu")
	} else {
		w.value(e.Replicas, "serve", e.Name, "replicas")
	}
	w.duration(e.Deadline, "serve", e.Name, "deadline")
	if e.Check != nil {
		w.check(*e.Check, "serve", e.Name, "check")
	}
	if e.NoEngine {
		w.value(false, "serve", e.Name, "engine")
	}
	if e.ObjectName != model {
		w.text(e.ObjectName, "serve", e.Name, "name")
	}
	w.text(e.Waive, "serve", e.Name, "waive")
	w.resources(e.Resources, "serve", e.Name)
	w.extra(e.Seldon, "serve", e.Name, "seldon")
}

func (w *writer) check(c schema.Check, path ...string) {
	var request any
	_ = json.Unmarshal([]byte(c.Data), &request) // it came from JSON
	w.secretive(request, append(slices.Clone(path), "data")...)
	for way, bounds := range bounds(c.Expect) {
		w.add(bounds, append(slices.Clone(path), "#expect", way)...)
	}
}
