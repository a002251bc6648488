package review

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Marker is the first line of Markdown: by it the comment of an earlier run is found again.
const Marker = "<!-- trefoil-plan -->"

const (
	// most is how long a comment may be, in bytes. GitHub takes 65,536 characters.
	most = 65_000
	// rows is how many models the table of a comment lists, and how many notes stand above it.
	rows = 100
	// closing is what the last lines of a comment need.
	closing = 300
)

// Markdown is the review as a comment of a pull request, at most 65,000 bytes: what is most drastic comes first, and what does not
// fit is counted. Whatever the repository says stands in code, so that it is neither markup nor a mention of somebody.
func (r Review) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n### %s\n\n%s → %s\n\n", Marker, strings.Replace(r.Summary(), "Plan: ", "Trefoil: ", 1), code(r.Base.String()), code(r.Head.String()))
	r.quoted(&b)
	r.table(&b)
	left := 0
	for i, m := range r.Models {
		d := m.details()
		if b.Len()+len(d) > most-closing {
			left = len(r.Models) - i
			break
		}
		b.WriteString(d)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s did not fit here: `trefoil plan --base` tells of all.\n", counted(left, "model"))
	}
	return b.String()
}

// quoted are the notes, holds and findings that are about no model that moves.
func (r Review) quoted(b *strings.Builder) {
	var lines []string
	for _, n := range r.Notes {
		lines = append(lines, "> **Note** "+code(n))
	}
	for _, h := range r.Holds {
		lines = append(lines, "> **Hold** "+code(h.Reason))
	}
	for _, line := range r.invalid() {
		lines = append(lines, "> **Invalid** "+code(line))
	}
	if len(lines) == 0 {
		return
	}
	if more := len(lines) - rows; more > 0 {
		lines = append(slices.Clone(lines[:rows]), fmt.Sprintf("> and %d more", more))
	}
	b.WriteString(strings.Join(lines, "  \n") + "\n\n")
}

func (r Review) table(b *strings.Builder) {
	if len(r.Models) == 0 {
		return
	}
	b.WriteString("| model | what happens | why | at most |\n|---|---|---|---|\n")
	for _, m := range r.Models[:min(rows, len(r.Models))] {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", code(m.Name), m.what(), m.why(), m.price())
	}
	if more := len(r.Models) - rows; more > 0 {
		fmt.Fprintf(b, "| and %d more | | | |\n", more)
	}
	b.WriteString("\n")
}

// what is the word in bold, and which environments it reaches.
func (m Model) what() string {
	text := "**" + m.Word + "**"
	if m.Word == Later {
		text = "no effect now"
	}
	if m.Experiments > 0 {
		text += " " + counted(m.Experiments, "experiment")
	}
	var places []string
	for _, s := range m.Steps {
		if e := s.Scope.Environment; e != "" && !slices.Contains(places, code(e)) {
			places = append(places, code(e))
		}
	}
	for _, h := range m.Holds {
		if e := h.Environment; e != "" && !slices.Contains(places, code(e)) {
			places = append(places, code(e))
		}
	}
	if len(places) > 0 {
		text += ": " + strings.Join(places, ", ")
	}
	if len(m.Warnings) > 0 {
		text += " ⚠️"
	}
	return text
}

// why names the first fields that changed.
func (m Model) why() string {
	const few = 3
	var names []string
	for _, c := range m.Causes {
		name := c.Field
		if name == "" {
			name = c.New + c.Old
		}
		names = append(names, code(strings.TrimSuffix(name, ".content")))
	}
	if more := len(names) - few; more > 0 {
		names = append(names[:few], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

func (m Model) price() string {
	text, _, _ := strings.Cut(strings.TrimPrefix(m.Cost.String(), "at most "), ",")
	if text == "" && m.Experiments > 0 {
		return "unknown"
	}
	return text
}

// details is the block of a model, folded.
func (m Model) details() string {
	text := m.String()
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fmt.Sprintf("<details><summary><code>%s</code> %s</summary>\n\n%stext\n%s%s\n\n</details>\n", html.EscapeString(plain(m.Name)), html.EscapeString(m.Word),
		fence, text, fence)
}

// code is text as a code span that can stand in a table: nothing in it is markup.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(short(plain(text))) + "`"
}
