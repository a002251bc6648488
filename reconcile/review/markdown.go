package review

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

// Marker is the first line of Markdown: by it the comment of an earlier run is found again.
const Marker = "<!-- trefoil-plan -->"

// How long a comment and its parts may be, in bytes. GitHub takes 65,536 characters.
const (
	mostComment = 65_000
	mostQuoted  = 16_000 // notes, holds and errors
	mostTable   = 16_000
	mostBlock   = 12_000 // of one model
	closing     = 300    // what the last lines need
)

// How much a comment lists.
const (
	mostRows  = 100 // models in the table
	mostLines = 80  // of one model
	unfolded  = 3   // models that are shown unfolded where there are no more
)

// Markdown is the review as a comment of a pull request, at most 65,000 bytes: what is most drastic comes first, and what does not
// fit is counted. Whatever the repository says stands in code, so that it is neither markup nor a mention of somebody.
func (r Review) Markdown() string {
	var b strings.Builder
	title := strings.Replace(r.Summary(), "Plan: ", "Trefoil: ", 1)
	fmt.Fprintf(&b, "%s\n### %s\n\n%s → %s\n\n", Marker, title, code(r.Base.String()), code(r.Head.String()))
	if cost := r.total(); cost != "" {
		fmt.Fprintf(&b, "This costs %s.\n\n", cost)
	}
	r.quoted(&b)
	r.table(&b)
	left := 0
	for i, m := range r.Models {
		d := m.details(len(r.Models) <= unfolded)
		if b.Len()+len(d) > mostComment-closing {
			left = len(r.Models) - i
			break
		}
		b.WriteString(d)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s did not fit here: `trefoil plan --base` tells of all.\n", counted(left, "model"))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// quoted are the notes, holds and errors.
func (r Review) quoted(b *strings.Builder) {
	var lines []string
	for _, n := range r.Notes {
		lines = append(lines, "> **Note** "+code(n))
	}
	for _, h := range r.Holds {
		lines = append(lines, "> **Hold** "+code(h.Reason))
	}
	for _, line := range r.errors() {
		lines = append(lines, "> **Invalid** "+code(line))
	}
	if len(lines) == 0 {
		return
	}
	shown := fitting(lines, mostQuoted)
	if more := len(lines) - len(shown); more > 0 {
		shown = append(slices.Clone(shown), fmt.Sprintf("> and %d more", more))
	}
	b.WriteString(strings.Join(shown, "  \n") + "\n\n")
}

func (r Review) table(b *strings.Builder) {
	if len(r.Models) == 0 {
		return
	}
	searching := r.Experiments() > 0
	rows := []string{rowOf(searching, "model", "what happens", "why", "costs at most"), rowOf(searching, "---", "---", "---", "---")}
	for _, m := range r.Models[:min(mostRows, len(r.Models))] {
		rows = append(rows, rowOf(searching, cell(m.Name), m.what(), m.why(), m.price()))
	}
	rows = fitting(rows, mostTable)
	if more := len(r.Models) + 2 - len(rows); more > 0 {
		rows = append(slices.Clone(rows), rowOf(searching, fmt.Sprintf("and %d more", more), "", "", ""))
	}
	b.WriteString(strings.Join(rows, "") + "\n")
}

// rowOf is a line of the table, the last column of which is there only where something is searched.
func rowOf(searching bool, columns ...string) string {
	if !searching {
		columns = columns[:len(columns)-1]
	}
	return "| " + strings.Join(columns, " | ") + " |\n"
}

// fitting are the first lines that have no more than so many bytes together.
func fitting(lines []string, most int) []string {
	for i, l := range lines {
		if most -= len(l); most < 0 {
			return lines[:i]
		}
	}
	return lines
}

// label is the word as people read it.
func (m Model) label() string {
	if m.Word == Later {
		return "no effect now"
	}
	return m.Word
}

// what is the word in bold, and which environments it reaches.
func (m Model) what() string {
	text := "**" + m.label() + "**"
	if m.Experiments > 0 {
		text += " (" + counted(m.Experiments, "experiment") + ")"
	}
	var places []string
	for _, s := range m.Steps {
		places = append(places, s.Scope.Environment)
	}
	for _, h := range m.Holds {
		places = append(places, h.Environment)
	}
	if list := listed(places); list != "" {
		text += ": " + list
	}
	if len(m.Warnings) > 0 {
		text += " ⚠️"
	}
	return text
}

// why names the first fields that changed.
func (m Model) why() string {
	var names []string
	if m.From != "" {
		names = append(names, "was "+m.From)
	}
	for _, c := range m.Causes {
		name := c.Field
		if name == "" {
			name = c.New + c.Old
		}
		names = append(names, strings.TrimSuffix(name, content))
	}
	return listed(names)
}

// listed are the first of the texts that are not empty, each once.
func listed(texts []string) string {
	const few = 3
	var cells []string
	for _, t := range texts {
		if c := cell(t); t != "" && !slices.Contains(cells, c) {
			cells = append(cells, c)
		}
	}
	if more := len(cells) - few; more > 0 {
		cells = append(cells[:few], fmt.Sprintf("%d more", more))
	}
	return strings.Join(cells, ", ")
}

func (m Model) price() string {
	if text := m.Cost.hours(); text != "" || m.Experiments == 0 {
		return text
	}
	return "unknown"
}

// details is the block of a model, folded unless it is open.
func (m Model) details(open bool) string {
	lines := slices.Collect(strings.Lines(m.String()))
	if m.title() == m.label() {
		lines = lines[1:] // the summary has it
	}
	for i, l := range lines {
		lines[i] = wrapped(strings.TrimPrefix(l, "  "))
	}
	shown := fitting(lines[:min(mostLines, len(lines))], mostBlock)
	text := strings.Join(shown, "")
	if more := len(lines) - len(shown); more > 0 {
		text += fmt.Sprintf("and %s more\n", counted(more, "line"))
	}
	fence, tag := "```", "<details>"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if open {
		tag = "<details open>"
	}
	return fmt.Sprintf("%s<summary><code>%s</code> %s</summary>\n\n%stext\n%s%s\n\n</details>\n\n", tag,
		html.EscapeString(short(line(m.Name))), html.EscapeString(m.label()), fence, text, fence)
}

// wrapped breaks a line so that a page shows all of it.
func wrapped(line string) string {
	const wide, indent = 110, "\n      "
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(line, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > wide && column > len(indent):
			b.WriteString(indent)
			column = len(indent) - 1
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// code is text as a code span: nothing in it is markup.
func code(text string) string { return "`" + strings.ReplaceAll(line(text), "`", "'") + "`" }

// cell is text as a code span of a table, in which a bar would begin the next cell, whatever stands before it.
func cell(text string) string { return code(strings.ReplaceAll(short(text), "|", "¦")) }
