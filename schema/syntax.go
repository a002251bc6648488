package schema

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// syntaxFinding explains why a file can't be parsed. It is one finding a file: what CUE says after the first error is mostly what
// follows from it.
func syntaxFinding(name string, data []byte, err error) Finding {
	first := slices.MinFunc(errors.Errors(err), func(a, b errors.Error) int { return comparePlace(position(a.Position()), position(b.Position())) })
	s := newScrap(name, data, first)
	f := Finding{Code: codeSyntax, Severity: Error, Scope: fileScope(name), Pos: position(first.Position())}
	f.Pos.File = name
	for _, explain := range []func(*Finding) bool{
		s.encoding, s.pointer, s.conflict, s.yaml, s.quotes, s.comment, s.operator, s.equals, s.dash, s.bare, s.brackets, s.plain,
	} {
		if explain(&f) {
			break
		}
	}
	return f
}

// scrap is a file that is not CUE, with the place where CUE gave up.
type scrap struct {
	data    []byte
	lexemes []lexeme
	at      int // index of the lexeme at the error
	err     errors.Error
}

func newScrap(name string, data []byte, err errors.Error) scrap {
	s := scrap{data: data, lexemes: scan(name, data), err: err}
	s.at = len(s.lexemes) - 1
	if err.Position().IsValid() {
		offset := err.Position().Offset()
		s.at = min(s.at, slices.IndexFunc(s.lexemes, func(l lexeme) bool { return l.pos.Offset() >= offset || l.token == token.EOF }))
	}
	return s
}

func (s scrap) here() lexeme { return s.lexemes[s.at] }

func (s scrap) encoding(f *Finding) bool {
	f.Message, f.Hint = "the file is not text in UTF-8", "save it as UTF-8"
	return !utf8.Valid(s.data)
}

// conflict finds what `git merge` leaves behind.
func (s scrap) conflict(f *Finding) bool {
	found := regexp.MustCompile(`(?m)^<{7} `).FindIndex(s.data)
	if found == nil {
		return false
	}
	f.Pos.Line, f.Pos.Column = bytes.Count(s.data[:found[0]], []byte("\n"))+1, 1
	f.Message, f.Hint = "a merge conflict is not resolved", "keep one side, and take out the lines with <<<<<<<, ======= and >>>>>>>"
	return true
}

func (s scrap) quotes(f *Finding) bool {
	f.Message, f.Hint = fmt.Sprintf("%s is no quote in CUE", s.here().text), `write plain quotes, "..."`
	return s.here().token == token.ILLEGAL && strings.Contains("“”„‟«»‘’‚‛`´", s.here().text)
}

func (s scrap) comment(f *Finding) bool {
	for _, l := range s.lexemes[max(0, s.at-1) : s.at+1] {
		if l.text == "#" {
			f.Pos = position(l.pos)
			f.Message, f.Hint = "# begins no comment in CUE", "write // before a comment"
			return true
		}
	}
	return false
}

// equals finds a field that was written as in other languages, name = value or name := value.
func (s scrap) equals(f *Finding) bool {
	i := s.binding()
	if i < 1 || i > 1 && s.lexemes[i-2].token == token.LET {
		return false
	}
	name := s.lexemes[i-1]
	if name.token == token.COLON && i > 1 {
		name = s.lexemes[i-2]
	}
	if name.token != token.IDENT && name.token != token.STRING {
		return false
	}
	f.Pos = position(s.lexemes[i].pos)
	f.Message, f.Hint = fmt.Sprintf("%s is set with =, but fields are written with a colon", name.text), fmt.Sprintf("write %s: ...", name.text)
	return true
}

// binding is the index of a = in the field at the error, or -1: CUE takes it as an alias and stumbles after the value.
func (s scrap) binding() int {
	depth := 0
	for i := s.at; i >= 0; i-- {
		l := s.lexemes[i]
		switch {
		case l.closes() && i < s.at:
			depth++
		case l.opens():
			depth--
		case l.token == token.BIND && depth == 0:
			return i
		}
		if depth < 0 && i < s.at || l.token == token.COLON && depth == 0 && i < s.at {
			return -1
		}
	}
	return -1
}

// dash finds a name that CUE reads as a subtraction.
func (s scrap) dash(f *Finding) bool {
	name := regexp.MustCompile(`[A-Za-z0-9_]+(-[A-Za-z0-9_]+)+$`).Find(s.data[:s.here().pos.Offset()])
	if name == nil || s.here().token != token.COLON {
		return false
	}
	f.Pos = position(s.here().pos)
	f.Pos.Column -= len(name)
	f.Message, f.Hint = fmt.Sprintf("the name %s needs quotes, because of the dash", name), fmt.Sprintf("write %q: ...", name)
	return true
}

// brackets finds one that is not closed, or that closes nothing.
func (s scrap) brackets(f *Finding) bool {
	open := s.open()
	here := s.here()
	if len(open) == 0 {
		f.Message, f.Hint = fmt.Sprintf("this %s closes nothing", here.text), "take it out, or look for one too many before it"
		return here.closes()
	}
	last := open[len(open)-1]
	if inner, found := s.unclosed(); found && here.token == token.EOF {
		last = inner
	}
	closing := partner(last.token)
	f.Message, f.Hint = fmt.Sprintf("this %s is never closed", last.text), fmt.Sprintf("a %s is missing", closing)
	if here.token != token.EOF && (!here.closes() || here.token == closing) && (here.token != token.COLON || last.token != token.LBRACK) {
		return false
	}
	f.Pos = position(last.pos)
	return true
}

// open are the brackets that are open where CUE gave up.
func (s scrap) open() []lexeme {
	var open []lexeme
	for _, l := range s.lexemes[:s.at] {
		switch {
		case l.opens():
			open = append(open, l)
		case l.closes() && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	return open
}

// plain is CUE's own text, in words where it speaks of tokens.
func (s scrap) plain(f *Finding) bool {
	format, args := s.err.Msg()
	f.Message, f.Hint = oneLine(fmt.Sprintf(format, args...)), ""
	switch {
	case strings.HasPrefix(format, "expected %s") && len(args) > 0:
		f.Message = fmt.Sprintf("expected %s, found %s", expected(fmt.Sprint(args[0])), s.here())
	case strings.HasPrefix(format, "missing ','"):
		f.Message, f.Hint = fmt.Sprintf("expected a comma or a new line, found %s", s.here()), "is a comma missing before it, or a quote?"
	case format == "string literal not terminated":
		f.Message, f.Hint = "this text never ends", "its closing quote is missing, on the same line"
	}
	return true
}

// expected says what CUE's parser looked for.
func expected(what string) string {
	switch what {
	case "label or ':'":
		return "a colon after the name of a field"
	case "operand":
		return "a value"
	}
	return strings.Trim(what, "'")
}
