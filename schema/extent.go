package schema

import (
	"unicode/utf8"

	"cuelang.org/go/cue/token"
)

// longestExtent is how many bytes a finding may be about in a line: whoever reads it needs no more, and a line may be as long as a file.
const longestExtent = 400

// Extent returns where that ends which stands at a column of a line of CUE: a name, or a value as far as the line has it, but at most
// 400 bytes. Columns count bytes from 1; the end is the column after the last one, and after the column itself at least. A column that
// the line does not have ends one further.
func Extent(line string, column int) (end int) {
	if column < 1 || column > len(line) {
		return column + 1
	}
	rest := []byte(line[column-1:])
	if cut := longestExtent; len(rest) > cut {
		for !utf8.RuneStart(rest[cut]) && cut > 1 {
			cut--
		}
		rest = rest[:cut]
	}
	last, depth := len(rest), 0
	for i, l := range scan("", rest) {
		if depth == 0 && i > 0 && l.ends() {
			last = l.pos.Offset()
			break
		}
		if l.opens() {
			depth++
		} else if l.closes() && depth > 0 {
			depth--
		}
	}
	for last > 1 && (rest[last-1] == ' ' || rest[last-1] == '\t' || rest[last-1] == '\r') {
		last--
	}
	return column + last
}

// ends reports whether a lexeme stands after a name or a value.
func (l lexeme) ends() bool {
	switch l.token {
	case token.COLON, token.COMMA, token.EOF, token.OPTION, token.NOT, token.ATTRIBUTE:
		return true
	}
	return l.closes()
}
