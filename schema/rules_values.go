package schema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kinds finds parameters whose values are text here and numbers there: mostly the quotes are a mistake.
func (l *loader) kinds(s Search) {
	for _, d := range s.Matrix {
		values, _ := d.Value.([]any)
		var list []any
		for _, v := range values {
			if pair, ok := v.([]any); ok && d.Kind == "pchoice" && len(pair) > 0 {
				v = pair[0]
			}
			list = append(list, v)
		}
		if d.Kind == "choice" || d.Kind == "pchoice" {
			l.sameKind(d.Name, list, "train", "search", "matrix", d.Name, d.Kind)
		}
	}
	for _, name := range s.Names() {
		var list []any
		for _, point := range s.Mapping {
			if i := slices.IndexFunc(point, func(p Param) bool { return p.Name == name }); i >= 0 {
				list = append(list, point[i].Value)
			}
		}
		l.sameKind(name, list, "train", "search", "mapping")
	}
}

func (l *loader) sameKind(name string, values []any, at ...string) {
	for _, v := range values {
		if a, b := kindWord(values[0]), kindWord(v); a != b {
			l.warn(codeMixed, "write all of them with quotes, or none", at, "the values of %s are not of one kind: %v is %s, %v is %s", name, values[0], a, v, b)
			return
		}
	}
}

func kindWord(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "a bool"
	}
	return "a number"
}

// timeout finds one that is none: 0 would be no limit at all, and what time.ParseDuration can't hold would be the default.
func (l *loader) timeout(text string, at ...string) {
	if d, err := time.ParseDuration(text); text != "" && (err != nil || d < time.Second) {
		l.report(codeValue, "leave it out for the default", at, "%s is %q, but has to be at least a second and at most 292 years", strings.Join(at, "."), text)
	}
}

// idle finds what is written and would be silently without effect.
func (l *loader) idle(body rawBody, m Model) {
	l.timeout(body.Train.Timeout, "train", "timeout")
	p := body.Package
	if p == nil {
		return
	}
	l.timeout(p.Timeout, "package", "timeout")
	if m.Package == nil && len(m.Serve) == 0 && (p.Builder != nil || p.Source.Path != "" || p.Source.Git != nil) {
		l.warn(codeIdle, fmt.Sprintf("write image: %q", "registry.example/"+l.name), []string{"package"}, "package has no image, so nothing is built")
	}
}

// labels finds those that Trefoil writes itself.
func (l *loader) labels(labels map[string]string) {
	for _, key := range sortedKeys(labels) {
		if strings.HasPrefix(key, "trefoil.dev/") || key == "app.kubernetes.io/managed-by" {
			l.report(codeOwnLabel, "take it out, or give it another prefix", []string{"labels", key}, "the label %s is Trefoil's own", key)
		}
	}
}

// resources finds what Kubernetes would refuse: names that it doesn't know, parts of what is counted, and requests above their
// limits.
func (l *loader) resources(r Resources, at ...string) {
	at = append(slices.Clone(at), "resources")
	for part, quantities := range map[string]map[string]string{"limits": r.Limits, "requests": r.Requests} {
		for _, name := range sortedKeys(quantities) {
			l.resource(name, quantities[name], append(slices.Clone(at), part, name))
		}
	}
	for _, name := range sortedKeys(r.Requests) {
		limit, limited := r.Limits[name]
		there := append(slices.Clone(at), "requests", name)
		switch request := quantity(r.Requests[name]); {
		case counted(name) && (!limited || request != quantity(limit)):
			l.report(codeRequest, "write it in limits alone", there, "%s is counted, so its request has to be its limit", name)
		case limited && request > quantity(limit):
			l.report(codeRequest, "raise the limit, or request less", there, "the request of %s, %s, is above its limit, %s", name, r.Requests[name], limit)
		}
	}
}

func (l *loader) resource(name, text string, at []string) {
	known := []string{"cpu", "memory", "ephemeral-storage"}
	switch {
	case slices.Contains(known, name) || strings.HasPrefix(name, "hugepages-"):
	case !strings.Contains(name, "/"):
		hint := "there are " + quote(known) + "; others have a prefix, such as nvidia.com/gpu"
		if near, ok := Nearest(name, known); strings.Contains(strings.ToLower(name), "gpu") {
			hint = `did you mean "nvidia.com/gpu"?`
		} else if ok {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		l.report(codeResource, hint, at, "Kubernetes knows no resource %q", name)
	case quantity(text) != float64(int64(quantity(text))):
		l.report(codeResource, "write a whole number", at, "%s of %s: it is counted, and has no parts", text, name)
	}
}

// counted reports whether a resource is given out in whole pieces.
func counted(name string) bool { return strings.Contains(name, "/") }

// quantity is the number of a Kubernetes quantity that the definitions let through.
func quantity(text string) float64 {
	number := strings.TrimRight(text, "mkKMGTPEi")
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	switch suffix := text[len(number):]; {
	case suffix == "m":
		return f / 1000
	case strings.HasSuffix(suffix, "i"):
		return f * power(1024, strings.Index("KMGTPE", suffix[:1])+1)
	case suffix != "":
		return f * power(1000, strings.Index("KMGTPE", strings.ToUpper(suffix))+1)
	}
	return f
}

func power(base float64, n int) float64 {
	result := 1.0
	for range n {
		result *= base
	}
	return result
}

// extra finds what an addition to a rendered object can't hold.
func (l *loader) extra(x Extra, at ...string) {
	values, deepest := 0, 0
	var look func(v any, at []string)
	look = func(v any, path []string) {
		values++
		deepest = max(deepest, len(path)-len(at))
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				look(v[key], append(slices.Clone(path), key))
			}
		case []any:
			for i, elt := range v {
				look(elt, append(slices.Clone(path), strconv.Itoa(i)))
			}
		case nil:
			l.report(codeValue, "an addition takes nothing away: take it out", path, "%s is null", strings.Join(path, "."))
		}
	}
	look(map[string]any(x), at)
	l.atMost(values, maxAdded, "values", "add fewer", at...)
	l.atMost(deepest, maxDepth, "levels", "add what the engine knows", at...)
}
