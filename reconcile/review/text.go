package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// String is the review as people read it on a terminal: the summary, then a block for each model.
func (r Review) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s -> %s\n", r.Summary(), r.Base, r.Head)
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", line(n))
	}
	for _, h := range r.Holds {
		fmt.Fprintf(&b, "hold: %s\n", line(h.Reason))
	}
	if cost := r.total(); cost != "" {
		fmt.Fprintf(&b, "cost: %s\n", cost)
	}
	for _, found := range r.errors() {
		fmt.Fprintf(&b, "invalid: %s\n", line(found))
	}
	for _, m := range r.Models {
		b.WriteString("\n" + m.String())
	}
	return b.String()
}

// mostFindings is how many errors are listed one by one.
const mostFindings = 50

// errors are the findings of the head, the first ones of many and how many of each code there are more.
func (r Review) errors() []string {
	var lines []string
	for _, f := range r.Findings[:min(mostFindings, len(r.Findings))] {
		lines = append(lines, placed(f))
	}
	if len(r.Findings) <= mostFindings {
		return lines
	}
	more := map[string]int{}
	for _, f := range r.Findings[mostFindings:] {
		more[f.Code]++
	}
	var codes []string
	for _, code := range sorted(more) {
		codes = append(codes, fmt.Sprintf("%d %s", more[code], code))
	}
	return append(lines, fmt.Sprintf("and %d more: %s", len(r.Findings)-mostFindings, strings.Join(codes, ", ")))
}

// placed is a finding after the model or environment that it freezes.
func placed(f schema.Finding) string {
	if f.Scope.Model == "" {
		return f.String()
	}
	return f.Scope.String() + ": " + f.String()
}

// String is "main (1f2e3d4)", or the name alone where there is no commit.
func (s Side) String() string {
	if s.Revision == "" {
		return line(s.Name)
	}
	return fmt.Sprintf("%s (%s)", line(s.Name), s.Revision.Short())
}

// String is a block of lines.
func (m Model) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", line(m.Name), line(m.title()))
	for _, c := range m.Causes {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	for _, s := range m.Steps {
		fmt.Fprintf(&b, "  %-5s %s\n", m.when(s), m.line(s))
	}
	for _, h := range m.Holds {
		fmt.Fprintf(&b, "  hold  %s\n", m.told(h.Environment, h.Reason))
		for _, said := range h.Lines() {
			fmt.Fprintf(&b, "        | %s\n", line(said))
		}
	}
	if cost := m.Cost.String(); cost != "" {
		fmt.Fprintf(&b, "  cost  %s\n", cost)
	}
	for _, w := range m.Warnings {
		fmt.Fprintf(&b, "  warn  %s\n", line(w))
	}
	for _, n := range m.Notes {
		fmt.Fprintf(&b, "  note  %s\n", line(n))
	}
	return b.String()
}

// title is the word, and what there is to say of the whole.
func (m Model) title() string {
	switch m.Word {
	case Rename:
		return "rename: " + m.From + " -> " + m.Name + ", which keeps its releases"
	case Invalid:
		return "invalid: the environment with the error stays as it is"
	case Later:
		if slices.ContainsFunc(m.Causes, func(c Cause) bool { return !used(c.Field) }) {
			return "no effect now"
		}
		return "no effect now: used by the next search or build"
	}
	return m.Word
}

// used reports whether the next search or build uses a field.
func used(field string) bool {
	first, _, _ := strings.Cut(field, ".")
	return slices.Contains([]string{"owner", "labels", "train", "package"}, first)
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
		return line(s.Scope.String() + ": " + text)
	}
	return m.told(s.Scope.Environment, text)
}

func (m Model) told(environment, text string) string {
	if environment != "" {
		text = environment + ": " + text
	}
	return line(text)
}

// String is "models.cue:9:13 train.image: "python:3.11" -> "python:3.12"".
func (c Cause) String() string {
	at := cmp.Or(c.Pos.String(), "models.cue")
	if c.Gone {
		at += " (before)"
	}
	if c.Field == "" {
		return line(at + " " + cmp.Or(c.New, c.Old))
	}
	field, old, now := c.Field, cmp.Or(c.Old, "none"), cmp.Or(c.New, "none")
	if folder, found := strings.CutSuffix(field, content); found {
		field = folder + " has other content"
	}
	old, now = beside(old, now)
	return line(fmt.Sprintf("%s %s: %s -> %s", at, field, old, now))
}

// beside leaves so much of two values as fits on a line, from a little before where they begin to differ.
func beside(old, now string) (shortOld, shortNow string) {
	const most, before = 100, 20
	a, b := []rune(old), []rune(now)
	if len(a) <= most && len(b) <= most {
		return old, now
	}
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	if cut := same - before; cut > 0 {
		return "…" + short(string(a[cut:])), "…" + short(string(b[cut:]))
	}
	return short(old), short(now)
}

// short leaves the beginning of a text that is too long for a line.
func short(value string) string {
	const most = 100
	if all := []rune(value); len(all) > most {
		return string(all[:most-1]) + "…"
	}
	return value
}

// line is text that anybody may have written as people see it: on one line that has an end.
func line(text string) string {
	const most = 500
	if all := []rune(text); len(all) > most {
		text = string(all[:most-1]) + "…"
	}
	return plain(text)
}

// plain takes out what a terminal would obey, and what is no text: anybody may have written it.
func plain(text string) string {
	return strings.Map(func(r rune) rune { // which takes bytes that are no text for the same
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
