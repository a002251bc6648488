package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// measured finds metrics that no release has. That is no error: the experiments of the next search may report them.
func (l *loader) measured(s Select) {
	metrics := map[string]float64{}
	for _, r := range l.selected.Releases {
		maps.Copy(metrics, r.Metrics)
	}
	if len(metrics) == 0 {
		return
	}
	known := sortedKeys(metrics)
	unknown := func(metric string, at ...string) {
		if _, found := metrics[metric]; found {
			return
		}
		hint := "they have " + quote(known)
		if near, ok := Nearest(metric, known); ok {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		l.warn(codeUnmeasured, hint, append([]string{"select"}, at...), "no release of %s has the metric %s", l.name, metric)
	}
	unknown(s.Metric, "metric")
	for i, o := range s.Then {
		unknown(o.Metric, "then", fmt.Sprint(i), "metric")
	}
	for i, b := range s.Gate {
		if i == 0 || s.Gate[i-1].Metric != b.Metric {
			unknown(b.Metric, "#gate", b.Metric)
		}
	}
}

// apart finds a gate that bounds the objective on the wrong side alone: the better an experiment, the less it passes.
func (l *loader) apart(s Select) {
	var sides []bool // upper
	for _, b := range s.Gate {
		if b.Metric == s.Metric {
			sides = append(sides, b.Op[0] == '<')
		}
	}
	if wrong := s.Goal == Maximize; len(sides) == 1 && sides[0] == wrong {
		word, other := "above", "<="
		if wrong {
			other = ">="
		} else {
			word = "below"
		}
		l.warn(codeApart, fmt.Sprintf("write %s for a bound that winners have to reach", other), []string{"select", "#gate", s.Metric},
			"the goal is to %s %s, but the gate lets nothing %s its bound pass", s.Goal, s.Metric, word)
	}
}

// coming tells what an environment waits for: no finding, since its release may be on its way.
func (l *loader) coming(e Environment) {
	at := []string{"serve", e.Name, "release"}
	r, found := l.selected.Release(e.Release)
	switch {
	case l.unread, e.Release == 0 || !found && e.Release <= l.selected.Last: // latest, or removed
	case !found:
		l.note(codeComing, l.releases(), at, "%s waits for release %d", e.Name, e.Release)
	case r.Image == "":
		l.note(codeComing, "", at, "%s waits for the image of release %d", e.Name, e.Release)
	}
}

// releases says which ones there are.
func (l *loader) releases() string {
	const shown = 5
	var numbers []string
	for _, r := range l.selected.Releases {
		numbers = append(numbers, fmt.Sprint(r.Number))
	}
	switch n := len(numbers); {
	case n == 0:
		return "there is no release yet"
	case n == 1:
		return "there is release " + numbers[0]
	case n > shown:
		numbers = numbers[n-shown:]
		return "the last ones are " + quote(numbers)
	}
	return "there are releases " + quote(numbers)
}

// waived finds a waiver that switches nothing off.
func (l *loader) waived(e Environment, s Select) {
	at := []string{"serve", e.Name, "waive"}
	switch {
	case e.Waive == "":
	case e.Release == 0:
		l.warn(codeWaive, "name the release, or take it out", at,
			"%s follows latest, which is inside the gate: there is nothing to waive", e.Name)
	case len(s.Gate) == 0:
		l.warn(codeWaive, "take it out", at, "%s waives a gate that the model doesn't have", e.Name)
	}
}

// unheard finds names in retired that are a typo away from one that is known.
func unheard(c Catalog, at *places) []Finding {
	known := append(sortedKeys(c.Selected), at.under("models")...) // those with errors too
	for _, m := range c.Models {
		known = append(known, m.Name)
	}
	var found []Finding
	for _, name := range sortedKeys(c.Retired) {
		f := Finding{Code: codeUnheard, Severity: Warning, Pos: at.at("retired", name)}
		model, env, _ := strings.Cut(name, "/")
		near, ok := Nearest(model, known)
		switch isKnown := slices.Contains(known, model); {
		case !isKnown && ok:
			f.Message, f.Hint = fmt.Sprintf("nothing is known of %s, which is retired", model), fmt.Sprintf("did you mean %q?", near)
		case isKnown && slip(env, at.under("models", model, "serve")) != "":
			f.Message = fmt.Sprintf("%s has no environment %s, which is retired", model, env)
			f.Hint = fmt.Sprintf("did you mean %q?", model+"/"+slip(env, at.under("models", model, "serve")))
		default:
			continue
		}
		found = append(found, f)
	}
	return found
}

// slip is the environment whose name is one wrong letter away; "" for none. Of an environment that is gone nobody knows the name, so
// more than a letter, or a number, may well be meant.
func slip(env string, there []string) string {
	const short = 4
	for _, e := range there {
		letters := func(name string) string { return strings.Trim(name, "0123456789") }
		if len(env) >= short && !slices.Contains(there, env) && distance(env, e) == 1 && letters(env) != letters(e) {
			return e
		}
	}
	return ""
}
