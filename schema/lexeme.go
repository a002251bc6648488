package schema

import (
	"strings"

	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"
)

// lexeme is a token of a file that can't be parsed.
type lexeme struct {
	token token.Token
	text  string
	pos   token.Pos
}

// scan splits a file into its lexemes, the last of which is its end. Like the parser it tells the scanner where an expression
// inside a text is over.
func scan(name string, data []byte) []lexeme {
	var s scanner.Scanner
	s.Init(token.NewFile(name, -1, len(data)), data, func(token.Pos, string, []interface{}) {}, 0)
	var all []lexeme
	var inside []int // of texts, by the parentheses that were open before
	parens := 0
	for {
		pos, tok, lit := s.Scan()
		if lit == "" {
			lit = tok.String()
		}
		all = append(all, lexeme{tok, lit, pos})
		switch tok {
		case token.EOF:
			return all
		case token.INTERPOLATION:
			inside = append(inside, parens)
		case token.LPAREN:
			parens++
		case token.RPAREN:
			parens--
			if last := len(inside) - 1; last >= 0 && inside[last] == parens && !strings.HasSuffix(s.ResumeInterpolation(), "(") {
				inside = inside[:last]
			}
		}
	}
}

func (l lexeme) opens() bool {
	return l.token == token.LBRACE || l.token == token.LBRACK || l.token == token.LPAREN
}

func (l lexeme) closes() bool {
	return l.token == token.RBRACE || l.token == token.RBRACK || l.token == token.RPAREN
}

// partner is the bracket that closes one.
func partner(open token.Token) token.Token {
	switch open {
	case token.LBRACE:
		return token.RBRACE
	case token.LBRACK:
		return token.RBRACK
	}
	return token.RPAREN
}

// String is what people see at that place.
func (l lexeme) String() string {
	switch {
	case l.token == token.EOF:
		return "the end of the file"
	case l.text == "\n":
		return "the end of the line"
	}
	return oneLine(l.text)
}
