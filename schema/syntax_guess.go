package schema

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"cuelang.org/go/cue/token"
)

// pointer finds a file that Git LFS keeps elsewhere.
func (s scrap) pointer(f *Finding) bool {
	f.Message, f.Hint = "the file is a pointer of Git LFS, not the spec itself", "keep specs out of Git LFS: `git lfs untrack`, then add the file again"
	if !bytes.HasPrefix(s.data, []byte("version https://git-lfs.github.com/")) {
		return false
	}
	f.Pos.Line, f.Pos.Column = 1, 1
	return true
}

// yaml finds a file in YAML: fields on lines of their own, with nothing behind the colon, and no brace.
func (s scrap) yaml(f *Finding) bool {
	found := regexp.MustCompile(`(?m)^\s*[\w-]+:[ \t]*\r?$`).FindIndex(s.data)
	if found == nil || bytes.ContainsRune(s.data, '{') {
		return false
	}
	f.Pos.Line, f.Pos.Column = bytes.Count(s.data[:found[0]], []byte("\n"))+1, 1
	f.Message, f.Hint = "the file is YAML, and specs are CUE", "`cue import` turns YAML into CUE; begin the file with `package models`"
	return true
}

// line is the text of the line at the error.
func (s scrap) line() string {
	offset := min(s.here().pos.Offset(), len(s.data))
	begin := bytes.LastIndexByte(s.data[:offset], '\n') + 1
	line, _, _ := bytes.Cut(s.data[begin:], []byte("\n"))
	return strings.TrimSpace(string(line))
}

// bare finds text that lacks its quotes and has a colon in it, such as the name of an image.
func (s scrap) bare(f *Finding) bool {
	found := regexp.MustCompile(`^[\w"#?!-]+:\s+([A-Za-z][\w./-]*:[\w./:@-]+)$`).FindStringSubmatch(s.line())
	if found == nil || s.here().token != token.COLON {
		return false
	}
	f.Message, f.Hint = fmt.Sprintf("%s is no value", found[1]), fmt.Sprintf("text needs quotes: %q", found[1])
	return true
}

// operator finds bounds as they are written elsewhere, and shares in percent.
func (s scrap) operator(f *Finding) bool {
	line := s.line()
	if arrow := regexp.MustCompile(`=>|=<`).FindString(line); arrow != "" && s.here().text != "%" {
		f.Message, f.Hint = arrow+" is no bound", "write "+arrow[1:]+"="
		return true
	}
	if percent := regexp.MustCompile(`([0-9.]+)\s*%`).FindStringSubmatch(line); percent != nil && s.here().text == "%" {
		f.Message, f.Hint = "% is no unit in CUE", "shares are numbers: write "+share(percent[1])
		return true
	}
	return false
}

// unclosed is the bracket on the innermost line that what closes less deeply on a later line leaves open, by their indentation; false
// where the file is not indented so.
func (s scrap) unclosed() (lexeme, bool) {
	var open []lexeme
	line := 0
	for _, l := range s.lexemes[:s.at] {
		first := l.pos.Line() > line
		line = max(line, l.pos.Line())
		switch {
		case l.opens():
			open = append(open, l)
		case l.closes() && len(open) > 0:
			if last := open[len(open)-1]; first && s.indent(last.pos) > s.indent(l.pos) {
				return last, true
			}
			open = open[:len(open)-1]
		}
	}
	return lexeme{}, false
}

// indent is how many blanks the line of a position begins with.
func (s scrap) indent(at token.Pos) int {
	begin := bytes.LastIndexByte(s.data[:at.Offset()], '\n') + 1
	return len(s.data[begin:]) - len(bytes.TrimLeft(s.data[begin:], " \t"))
}
