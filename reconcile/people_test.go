package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/trefoil-gitops/trefoil/schema"
)

// wish is what people ask of a model.
type wish struct {
	origin              string // the name that its image has
	revision, attempt   int
	production          int // the release; 0 for none
	replicas            int
	goal, serve, moved  int // which of two
	gate                int // which of three: none, one that the best passes, one that none does
	broken, away, named bool
	checked             bool
}

// people change their minds: by name, what they ask for now. A name that is not there was never used, or has another one now.
type people map[string]wish

// names are those that a history begins with, and those that models are renamed to.
func begin() people {
	p := people{}
	for i, name := range []string{"digits", "faces", "mnist"} {
		p[name] = wish{origin: name, away: i == 0, checked: i == 2}
	}
	return p
}

// files are the repository as people would write it: a file a model, and one for what is retired.
func (p people) files() map[string][]byte {
	files := map[string][]byte{"serve2/Model.py": []byte("class Model: better")}
	common := "package models\n\nmodels: {}\n"
	for _, name := range slices.Sorted(maps.Keys(p)) {
		w := p[name]
		switch {
		case !w.away:
			files[name+".cue"] = []byte(w.spec(name))
			continue
		case w.named:
			common += fmt.Sprintf("retired: %q: \"no longer used\"\n", name)
		}
		files[name+".cue"] = nil
	}
	files["models.cue"] = []byte(common)
	return files
}

func (w wish) spec(name string) string {
	production, command, check := "", "--lr={{ lr }}", ""
	if w.checked {
		check = `, check: {data: data: ndarray: [[1, 2]], #expect: "data.ndarray.0.0": >=0.5}`
	}
	if w.production > 0 {
		production = fmt.Sprintf(", production: {namespace: \"ml\", release: %d}", w.production)
	}
	if w.broken {
		command = "--lr={{ momentum }}"
	}
	return fmt.Sprintf(`package models

models: %s: {
	train: {
		image: "python:3.12", revision: %d
		command: ["python", %q]
		search: {random: {experiments: 3, seed: 7}, matrix: lr: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: %q%s}
	package: {image: "registry.example/%s", source: path: %q, attempt: %d}
	serve: {staging: {namespace: %q, replicas: %d%s}%s}
}
`, label(name), w.revision, command, []string{"maximize", "minimize"}[w.goal], []string{"", ", #gate: accuracy: >=0.5", ", #gate: accuracy: >=0.99"}[w.gate],
		w.origin, []string{"serve", "serve2"}[w.serve], w.attempt, []string{"ml-staging", "ml-other"}[w.moved], w.replicas+1, check, production)
}

// change is what a pull request changes in one model.
func (w wish) change(t *rapid.T) wish {
	switch rapid.SampledFrom([]string{
		"away", "broken", "revision", "goal", "gate", "serve", "attempt", "production", "replicas", "moved", "check",
	}).Draw(t, "change") {
	case "away":
		w.away, w.named = !w.away, rapid.Bool().Draw(t, "named in retired")
	case "broken":
		w.broken = !w.broken
	case "revision":
		w.revision = rapid.IntRange(0, 2).Draw(t, "revision")
	case "goal":
		w.goal = 1 - w.goal
	case "gate":
		w.gate = rapid.IntRange(0, 2).Draw(t, "gate")
	case "serve":
		w.serve = 1 - w.serve
	case "attempt":
		w.attempt++
	case "production":
		w.production = rapid.IntRange(0, 3).Draw(t, "release")
	case "replicas":
		w.replicas = 1 - w.replicas
	case "check":
		w.checked = !w.checked
	case "moved":
		w.moved = 1 - w.moved
	}
	return w
}

// edit is a pull request.
func (h *history) edit(t *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(h.people))).Draw(t, "model")
	h.people[name] = h.people[name].change(t)
	h.push("edit")
}

// rename moves a model and its releases to another name.
func (h *history) rename(t *rapid.T) {
	old := rapid.SampledFrom(slices.Sorted(maps.Keys(h.people))).Draw(t, "model")
	now := old + "-next"
	_, taken := h.people[now]
	if w := h.people[old]; w.away || taken || len(old) > 20 {
		return
	}
	h.people[now] = h.people[old]
	delete(h.people, old)
	files := h.people.files()
	files[old+".cue"] = nil
	if text := h.source.File("selected/" + old + ".cue"); text != "" {
		h.moves[now] = old
		files["selected/"+old+".cue"] = nil
		files["selected/"+now+".cue"] = []byte(strings.ReplaceAll(text, "selected: "+label(old)+":", "selected: "+label(now)+":"))
	}
	h.source.Push("rename", files)
	if before, found := h.before[old]; found {
		h.before[now] = before
		delete(h.before, old)
	}
}

// label is a name as a field of CUE.
func label(name string) string {
	if strings.Contains(name, "-") {
		return fmt.Sprintf("%q", name)
	}
	return name
}

// help is what people do about the holds that ask for them; false where none does.
func (h *history) help(holds string) bool {
	helped := false
	for _, name := range slices.Sorted(maps.Keys(h.people)) {
		w := h.people[name]
		for line := range strings.Lines(holds) {
			if !strings.HasPrefix(line, name+":") && !strings.HasPrefix(line, name+"/") || w.away && !strings.Contains(line, "in retired") {
				continue
			}
			switch {
			case strings.Contains(line, "raise train.revision"):
				h.fresh++
				w.revision = 10 + h.fresh
			case strings.Contains(line, "builds it again"):
				w.attempt++
			case strings.Contains(line, "passes the gate"):
				w.gate = 0
			case strings.Contains(line, "in retired"):
				w.named = true
			case strings.Contains(line, "TRF0201"):
				w.broken = false
			case strings.Contains(line, "TRF0505"):
				w.production = 0
			}
		}
		if w != h.people[name] {
			h.people[name], helped = w, true
		}
	}
	if helped {
		h.push("help")
	}
	return helped
}

func (h *history) push(message string) { h.source.Push(message, h.people.files()) }

// catalog is what git says.
func (h *history) catalog() schema.Catalog {
	tip, err := h.source.Tip(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	tree, err := h.source.Fetch(h.Context(), tip)
	if err != nil {
		h.Fatal(err)
	}
	c, err := h.load(h.Context(), tree)
	if err != nil {
		h.Fatal(err)
	}
	return c
}
