package polyaxon

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trefoil-gitops/trefoil/internal/compare"
)

// Operation is what the search with the uid was created from, as the server keeps it.
func (e *Engine) Operation(ctx context.Context, uid string) (map[string]any, error) {
	if !uuid.MatchString(uid) {
		return nil, fmt.Errorf("polyaxon: run %q is no search", uid)
	}
	var r struct {
		Raw     string `json:"raw_content"` // as it was sent; older servers have only what they made of it
		Content string `json:"content"`
	}
	if _, err := e.client.call(ctx, get(e.runs(uid), nil), &r); err != nil {
		return nil, err
	}
	operation, err := parse(r.Raw)
	if err != nil {
		operation, err = parse(r.Content)
	}
	if err != nil {
		return nil, fmt.Errorf("polyaxon: run %s: its content can't be read: %s", uid, e.client.clean(err.Error()))
	}
	return operation, nil
}

// parse reads an operation, also one that the server has compiled, where the component is no part of its own any more.
func parse(text string) (map[string]any, error) {
	var operation map[string]any
	if err := json.Unmarshal([]byte(text), &operation); err != nil {
		return nil, err
	}
	if _, inline := operation["component"]; inline || operation["kind"] != "compiled_operation" {
		return operation, nil
	}
	component := map[string]any{}
	for _, part := range []string{"inputs", "outputs", "run", "termination"} {
		if value, found := operation[part]; found {
			component[part] = value
			delete(operation, part)
		}
	}
	operation["component"] = component
	return operation, nil
}

// Compare tells how the operation of a live search differs from the one that git asks for, by meaning: ranges may be written in several
// ways, and what Polyaxon and its presets add is no difference. What the search digest covers is drift: somebody made the run, not we.
// The rest is what the next search has. wanted renders the operation with the commit that the live one checks out: which of the commits
// with this digest that is, does not matter. It changes the operations that it is given.
func Compare(live map[string]any, wanted func(commit string) map[string]any) compare.Result {
	git := wanted(commit(live))
	var r compare.Result
	for _, f := range compare.Objects(meaning(live), meaning(git)) {
		covered := digested(f.Path)
		if f.Git == nil && (!covered || !closed(f.Path)) {
			continue
		}
		f.Cause = compare.Later
		if covered {
			f.Cause = compare.Drift
		}
		r.Fields = append(r.Fields, f)
	}
	return r
}

// commit is the one that an operation checks out first; empty for none.
func commit(operation map[string]any) string {
	steps, _ := section(operation, "component", "run")["init"].([]any)
	for _, step := range steps {
		s, _ := step.(map[string]any)
		if revision, ok := section(s, "git")["revision"].(string); ok {
			return revision
		}
	}
	return ""
}

// section is the struct below some fields; empty where there is none.
func section(s map[string]any, fields ...string) map[string]any {
	for _, name := range fields {
		s, _ = s[name].(map[string]any)
	}
	return s
}

// digested reports whether a part decides about results, and so is in the digest of the search.
func digested(p compare.Path) bool {
	switch {
	case p.Under("matrix"):
		return !p.Under("matrix", "concurrency")
	case p.Under("component", "run", "init"): // the commit of a repository of its own
		return p.String() == "component.run.init[0].git.revision"
	}
	return p.Under("component", "inputs") || slices.ContainsFunc([]string{"image", "command", "args"}, func(name string) bool {
		return p.Under("component", "run", "container", name)
	})
}

// closed reports whether nothing may be added there without changing what is searched. Inputs have defaults.
func closed(p compare.Path) bool {
	return p.Under("matrix") || p.Under("component", "inputs") && len(p) == 3
}

// meaning takes out of an operation what it is called, and writes its ranges in one way.
func meaning(operation map[string]any) map[string]any {
	for _, part := range []map[string]any{operation, section(operation, "component")} {
		for _, name := range []string{"version", "kind", "name"} {
			delete(part, name)
		}
	}
	for _, param := range section(operation, "matrix", "params") {
		if p, ok := param.(map[string]any); ok {
			p["value"] = spelt(fmt.Sprint(p["kind"]), p["value"])
		}
	}
	return operation
}

// spelt is the value of a parameter with its fields by name: "0.1:0.5:3", [0.1, 0.5, 3] and {start: 0.1, stop: 0.5, num: 3} are the
// same. What is none of that stays as it is.
func spelt(kind string, value any) any {
	names, known := ranges()[kind]
	var parts []any
	switch v := value.(type) {
	case string:
		for _, text := range strings.Split(v, ":") {
			f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				return value
			}
			parts = append(parts, f)
		}
	case []any:
		parts = v
	}
	if !known || len(parts) < 2 || len(parts) > len(names) {
		return value
	}
	fields := map[string]any{}
	for i, part := range parts {
		fields[names[i]] = part
	}
	return fields
}

// ranges are the fields of each kind of range, in the order in which they are written without names.
func ranges() map[string][]string {
	spaced, bounded, centred := []string{"start", "stop", "num", "base"}, []string{"low", "high"}, []string{"loc", "scale"}
	all := map[string][]string{"range": {"start", "stop", "step"}, "linspace": spaced, "geomspace": spaced, "logspace": spaced}
	for kind, names := range map[string][]string{"uniform": bounded, "loguniform": bounded, "normal": centred, "lognormal": centred} {
		all[kind], all["q"+kind] = names, append(slices.Clone(names), "q")
	}
	return all
}
