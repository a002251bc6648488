package review

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// Summary is one line: "Plan: 1 to rerun (10 experiments), 1 to promote, 2 unchanged".
func (r Review) Summary() string {
	var parts []string
	for _, word := range Words {
		n, experiments := r.Count(word)
		switch {
		case n == 0:
		case word == Invalid:
			parts = append(parts, fmt.Sprintf("%d invalid", n))
		case word == Hold:
			parts = append(parts, fmt.Sprintf("%d held", n))
		case word == Later:
			parts = append(parts, fmt.Sprintf("%d with no effect now", n))
		case experiments > 0:
			parts = append(parts, fmt.Sprintf("%d to %s (%s)", n, word, counted(experiments, "experiment")))
		default:
			parts = append(parts, fmt.Sprintf("%d to %s", n, word))
		}
	}
	if _, frozen := r.Head.Catalog.Frozen("", ""); frozen {
		return "Plan: nothing moves: " + r.Head.Name + " does not validate as a whole"
	}
	if len(parts) == 0 {
		parts = []string{"no change in meaning"}
	}
	if r.Unchanged > 0 {
		parts = append(parts, fmt.Sprintf("%d unchanged", r.Unchanged))
	}
	return "Plan: " + strings.Join(parts, ", ")
}

// Count is how many models the word is of, and how many experiments those start.
func (r Review) Count(word string) (models, experiments int) {
	for _, m := range r.Models {
		if m.Word == word {
			models++
			experiments += m.Experiments
		}
	}
	if word == Invalid {
		broken := map[string]bool{}
		for _, f := range r.Findings {
			broken[f.Scope.Model] = true
		}
		models = len(broken)
	}
	return models, experiments
}

// Experiments is how many experiments are started in all.
func (r Review) Experiments() int {
	n := 0
	for _, m := range r.Models {
		n += m.Experiments
	}
	return n
}

// String is the review as people read it on a terminal: the summary, then a block for each model.
func (r Review) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s -> %s\n", r.Summary(), r.Base, r.Head)
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", plain(n))
	}
	for _, h := range r.Holds {
		fmt.Fprintf(&b, "hold: %s\n", plain(h.Reason))
	}
	for _, line := range r.invalid() {
		fmt.Fprintf(&b, "invalid: %s\n", plain(line))
	}
	for _, m := range r.Models {
		b.WriteString("\n" + m.String())
	}
	return b.String()
}

// invalid are the findings of the head, the first ones of many and how many of each code there are more.
func (r Review) invalid() []string {
	const shown = 50
	var lines []string
	for _, f := range r.Findings[:min(shown, len(r.Findings))] {
		lines = append(lines, f.String())
	}
	if len(r.Findings) <= shown {
		return lines
	}
	more := map[string]int{}
	for _, f := range r.Findings[shown:] {
		more[f.Code]++
	}
	var codes []string
	for _, code := range sorted(more) {
		codes = append(codes, fmt.Sprintf("%d %s", more[code], code))
	}
	return append(lines, fmt.Sprintf("and %d more: %s", len(r.Findings)-shown, strings.Join(codes, ", ")))
}

// String is "main (1f2e3d4)", or the name alone where there is no commit.
func (s Side) String() string {
	if s.Revision == "" {
		return s.Name
	}
	return fmt.Sprintf("%s (%s)", plain(s.Name), s.Revision.Short())
}

// String is a block of lines.
func (m Model) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", plain(m.Name), m.title())
	for _, c := range m.Causes {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	for _, s := range m.Steps {
		fmt.Fprintf(&b, "  %-5s %s\n", m.when(s), m.line(s))
	}
	for _, h := range m.Holds {
		fmt.Fprintf(&b, "  hold  %s\n", m.told(h.Environment, h.Reason))
	}
	if cost := m.Cost.String(); cost != "" {
		fmt.Fprintf(&b, "  cost  %s\n", cost)
	}
	for _, w := range m.Warnings {
		fmt.Fprintf(&b, "  warn  %s\n", plain(w))
	}
	for _, n := range m.Notes {
		fmt.Fprintf(&b, "  note  %s\n", plain(n))
	}
	return b.String()
}

// title is the word, and what there is to say of the whole.
func (m Model) title() string {
	switch {
	case m.Word == Rename:
		return "rename: " + m.From + " -> " + m.Name + ", which keeps its releases"
	case m.Word == Later:
		return "no effect now: used by the next search or build"
	}
	return m.Word
}

// when is whether a step is taken at once, or once those before it have succeeded.
func (m Model) when(s plan.Step) string {
	if s.Pass == m.Steps[0].Pass {
		return "now"
	}
	return "then"
}

// line is a step without the model's name: "staging: promote: release 3 as SeldonDeployment ml-staging/mnist".
func (m Model) line(s plan.Step) string {
	text := s.Word + ": " + s.Text
	if s.If != "" {
		text += ", " + s.If
	}
	if s.Scope.Model != m.Name { // the old name of a renamed one
		return plain(s.Scope.String() + ": " + text)
	}
	return m.told(s.Scope.Environment, text)
}

func (m Model) told(environment, text string) string {
	if environment != "" {
		text = environment + ": " + text
	}
	return plain(text)
}

// String is "models.cue:9:13 train.image: "python:3.11" -> "python:3.12"".
func (c Cause) String() string {
	at := cmp.Or(c.Pos.String(), "models.cue")
	if c.Gone {
		at += " (before)"
	}
	if c.Field == "" {
		return plain(at + " " + cmp.Or(c.New, c.Old))
	}
	field := strings.TrimSuffix(c.Field, ".content")
	if field != c.Field {
		field += " has other content"
	}
	return plain(fmt.Sprintf("%s %s: %s -> %s", at, field, short(cmp.Or(c.Old, "none")), short(cmp.Or(c.New, "none"))))
}

// short leaves so much of a value as fits beside another one.
func short(value string) string {
	const most = 100
	if all := []rune(value); len(all) > most {
		return string(all[:most-1]) + "…"
	}
	return value
}

// plain takes out what a terminal would obey: anybody may have written it.
func plain(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
