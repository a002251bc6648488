package main

import (
	"strings"
	"unicode"
)

// painter colours text where somebody watches it.
type painter struct{ on bool }

// painter is for what is printed: in colour on a terminal, unless NO_COLOR says no.
func (a *app) painter() painter {
	no, _ := a.env("NO_COLOR")
	return painter{a.screen.width > 0 && no == ""}
}

// paint gives text one of a terminal's colours, by its number; 1 is bold.
func (p painter) paint(colour, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// Beside the colours of a terminal.
const (
	bold  = "1"
	green = "32"
)

// unified paints the lines of a unified diff by what they begin with.
func (p painter) unified(text string) string {
	if !p.on {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, end := strings.CutSuffix(line, "\n")
		colour := ""
		for _, l := range []struct{ prefix, colour string }{
			{"diff ", bold}, {"--- ", bold}, {"+++ ", bold}, {"@@", cyan}, {"-", red}, {"+", green}, {"#", yellow},
		} {
			if strings.HasPrefix(line, l.prefix) {
				colour = l.colour
				break
			}
		}
		if colour != "" {
			line = p.paint(colour, line)
		}
		b.WriteString(line)
		if end {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// printable is the text without what a terminal would obey: anybody may have written it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
