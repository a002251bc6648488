package redact

import (
	"regexp"
	"strings"
	"unicode"
)

// control is what a terminal obeys and does not show: colours, links, titles. A title without its end goes on to the end of the line.
var control = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]|` +
	`(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}])[^\x07\x1b\x{9c}\n]*(?:\x07|\x1b\\|\x{9c})?|` +
	`\x1b[ -/]*[0-~]`)

// Plain is a text as a terminal shows it: a colour, or a character that nobody sees, may stand in the middle of a name.
func Plain(text string) string {
	text = control.ReplaceAllString(strings.ToValidUTF8(text, "?"), "")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

const (
	begin = `-----BEGIN [\w ]*PRIVATE KEY[\w ]*-----`
	end   = `-----END [\w ]*PRIVATE KEY[\w ]*-----`
	// encoded is a line that may be of a key: a logger may have put something before it.
	encoded = `(?:[ \t]*[\w+/=]*|.*[^\w+/=\n][\w+/=]{40,}|(?:Proc-Type|DEK-Info):.*)[ \t\r]*`
)

// Private keys in PEM: whole; without the last line, as far as what follows may be of a key; without the first one.
var (
	key     = regexp.MustCompile(`(?s)` + begin + `.*?` + end)
	endless = regexp.MustCompile(`(?m)` + begin + `.*(?:\n` + encoded + `$)*`)
	cut     = regexp.MustCompile(`(?m)(?:^` + encoded + `\n)*.*` + end)
)

// Log is the end of a log as people may read it: as a terminal shows it, without private keys, and without what a line says that
// something is whose name looks like that of a secret. What a program prints may have spaces and commas in it and no quotation marks, so
// that goes to the end of the line.
func Log(text string) string {
	var b strings.Builder
	for line := range strings.Lines(withoutKeys(Plain(text))) {
		b.WriteString(masked(overwritten(strings.TrimRight(line, "\r\n")), printed) + "\n")
	}
	return b.String()
}

func withoutKeys(text string) string {
	if !strings.Contains(text, "PRIVATE KEY") { // most have none, and the patterns take long
		return text
	}
	for _, pattern := range []*regexp.Regexp{key, endless, cut} {
		text = pattern.ReplaceAllLiteralString(text, Mark)
	}
	return text
}

// overwritten is what is left of a line that was written over itself, as that of a bar of progress is.
func overwritten(line string) string { return line[strings.LastIndexByte(line, '\r')+1:] }

// quoted is a value whose end can be told.
var quoted = regexp.MustCompile(`^` + scheme + `(?:\\+"[^"]+"|"(?:[^"\\]|\\.)+"|'(?:[^'\\]|\\.)+'|\[redacted\])([\s,;)\]}]|$)`)

// printed is the value at the beginning of the rest of a line.
func printed(rest string) string {
	switch at := quoted.FindStringSubmatchIndex(rest); {
	case at != nil:
		return rest[:at[2]]
	case strings.TrimSpace(rest) == "":
		return ""
	}
	return rest
}
