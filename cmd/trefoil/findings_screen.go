package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/trefoil-gitops/trefoil/schema"
)

// screen is how many characters wide the terminal is that a stream leads to, if it does; 0 where that doesn't say.
func screen(stream io.Writer) (width int, terminal bool) {
	f, ok := stream.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, _ = term.GetSize(int(f.Fd()))
	return width, true
}

// canvasOf is the terminal that a stream leads to; of no width where it leads to none.
func canvasOf(stream io.Writer) canvas {
	const usual = 80
	width, terminal := screen(stream)
	if terminal && width == 0 {
		width = usual
	}
	return canvas{width: width}
}

// canvas is a terminal that findings are drawn on.
type canvas struct {
	width  int
	colour bool
}

// The colours of a terminal, by their numbers.
const (
	red    = "31"
	yellow = "33"
	blue   = "34"
	cyan   = "36"
)

// paint makes a text bold, in a colour unless that is empty.
func (c canvas) paint(colour, text string) string {
	if !c.colour {
		return text
	}
	return "\x1b[1;" + colour + "m" + text + "\x1b[0m"
}

// draw shows each finding with its line, and carets under what it is about.
func (r verdict) draw(w io.Writer, c canvas) {
	first, rest := shown(r.findings)
	for _, f := range first {
		c.finding(w, f, r.source.span(f.Pos))
	}
	if rest != "" {
		fmt.Fprintln(w, rest)
	}
	if len(first) > 0 {
		fmt.Fprintf(w, "`trefoil explain %s` says more about a code.\n", first[0].Code)
	}
}

func (c canvas) finding(w io.Writer, f schema.Finding, at span) {
	colour := map[schema.Severity]string{schema.Error: red, schema.Warning: yellow, schema.Note: cyan}[f.Severity]
	fmt.Fprintf(w, "%s %s\n", c.paint(colour, fmt.Sprintf("%s[%s]:", f.Severity, f.Code)), f.Message)
	number := strconv.Itoa(f.Pos.Line)
	margin := strings.Repeat(" ", len(number))
	fmt.Fprintf(w, "%s%s %s\n", margin, c.paint(blue, "-->"), f.Pos)
	bar := c.paint(blue, "|")
	if at.line != "" {
		text, before, under := at.cells(c.width - len(number) - len(" | "))
		fmt.Fprintf(w, "%s %s\n", margin, bar)
		fmt.Fprintf(w, "%s %s %s\n", c.paint(blue, number), bar, text)
		fmt.Fprintf(w, "%s %s %s%s\n", margin, bar, strings.Repeat(" ", before), c.paint(colour, strings.Repeat("^", under)))
	}
	if f.Hint != "" {
		fmt.Fprintf(w, "%s %s hint: %s\n", margin, c.paint(blue, "="), f.Hint)
	}
	fmt.Fprintln(w)
}

// cells are what a terminal shows of the line, in at most that many characters: tabs as spaces, and nothing that it would obey. Before
// tells how many come before the span, under how many of it are shown, at least one.
func (s span) cells(width int) (text string, before, under int) {
	const tab, least = 4, 20
	var all []rune
	from, to, column := 0, 0, 0
	for _, r := range s.line {
		if column++; column == s.start {
			from = len(all)
		}
		switch {
		case r == '\t':
			all = append(all, []rune(strings.Repeat(" ", tab))...)
		case !unicode.IsPrint(r):
			all = append(all, unicode.ReplacementChar)
		case wide(r):
			all = append(all, r, second)
		default:
			all = append(all, r)
		}
		if column < s.end {
			to = len(all)
		}
	}
	if s.start > column {
		from = len(all)
	}
	return window(all, from, max(to, from+1), max(width, least))
}

// second stands for the second half of a character that is wide.
const second = -1

// wide reports whether a terminal gives a character the place of two.
func wide(r rune) bool {
	fullWidth, emoji := r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff
	return fullWidth || emoji || unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
}

// joined is what characters with their second halves show.
func joined(cells []rune) string {
	return string(slices.DeleteFunc(slices.Clone(cells), func(r rune) bool { return r == second }))
}

// window cuts a line that is too wide to what is around a part of it.
func window(line []rune, from, to, width int) (text string, before, under int) {
	if len(line) <= width {
		return joined(line), from, to - from
	}
	const ahead = 3 // of what is shown a third stands before the part
	first := min(max(0, from-width/ahead), len(line)-width)
	cut := slices.Clone(line[first : first+width])
	if first > 0 {
		cut[0] = '…'
	}
	if first+width < len(line) {
		cut[width-1] = '…'
	}
	return joined(cut), from - first, max(1, min(to-first, width)-(from-first))
}
