package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Severity says what a finding does.
type Severity string

// Errors freeze their scope; warnings tell what is likely wrong, notes what is not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Scope is what a finding is about: the whole revision when zero, else a model, or one environment of it.
type Scope struct{ Model, Environment string }

// covers reports whether freezing s freezes what t names.
func (s Scope) covers(t Scope) bool {
	return s.Model == "" || s.Model == t.Model && (s.Environment == "" || s.Environment == t.Environment)
}

// String is "revision", "mnist" or "mnist/production".
func (s Scope) String() string {
	switch {
	case s.Model == "":
		return "revision"
	case s.Environment == "":
		return s.Model
	}
	return s.Model + "/" + s.Environment
}

// Position is a place in a file of the repository; lines and columns count from 1, 0 is unknown.
type Position struct {
	File         string
	Line, Column int
}

// String is file:line:col as far as it is known. It never begins with what a CI system would take for a command.
func (p Position) String() string {
	if strings.HasPrefix(p.File, ":") || strings.HasPrefix(p.File, "#") {
		p.File = "./" + p.File
	}
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Finding is something wrong, or worth saying, in the repository.
type Finding struct {
	Code     string // stable: TRF and four digits
	Severity Severity
	Scope    Scope
	Pos      Position
	Message  string // what is wrong, in the user's words, one line; in a Catalog it is Printable
	Hint     string // what to try, likewise; may be empty
}

// String is the line that people and log read: place, severity, code, message and hint.
func (f Finding) String() string {
	s := fmt.Sprintf("%s: %s %s: %s", f.Pos, f.Severity, f.Code, f.Message)
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Printable is a text without what a terminal or a log would obey: each character that is not printed is U+FFFD, a line break and a
// tab are spaces. Findings quote what people wrote, and a quote may hold anything.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// With is the catalog with more findings, and without the models that they freeze.
func (c Catalog) With(more []Finding) Catalog {
	c.Findings = append(slices.Clone(c.Findings), more...)
	for i, f := range c.Findings {
		c.Findings[i].Message, c.Findings[i].Hint = Printable(f.Message), Printable(f.Hint)
	}
	slices.SortFunc(c.Findings, Finding.compare)
	c.Findings = slices.Compact(c.Findings)
	frozen := c.errors()
	c.Models = slices.DeleteFunc(slices.Clone(c.Models), func(m Model) bool { return frozen[Scope{}] || frozen[Scope{Model: m.Name}] })
	return c
}

func (f Finding) compare(g Finding) int {
	return cmp.Or(cmp.Compare(f.Pos.File, g.Pos.File), cmp.Compare(f.Pos.Line, g.Pos.Line),
		cmp.Compare(f.Pos.Column, g.Pos.Column), cmp.Compare(f.Code, g.Code), cmp.Compare(f.Message, g.Message),
		cmp.Compare(f.Scope.Model, g.Scope.Model), cmp.Compare(f.Scope.Environment, g.Scope.Environment))
}
