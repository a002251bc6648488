package polyaxon

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

const redacted = "[redacted]"

// cleaner returns what all text goes through that others wrote and people may read: servers and proxies repeat what they were
// sent, in a refusal, a redirect, or where nobody expects it. It is one line without the token. That it is a function hides the
// token also from those who print the struct around it.
func cleaner(token Token) func(string) string {
	if token == "" {
		return line
	}
	pattern := regexp.MustCompile(forms(string(token)))
	return func(s string) string {
		// Before the line is cut: half a token is one too many.
		return line(pattern.ReplaceAllLiteralString(s, redacted))
	}
}

// forms is a pattern of what a text becomes on its way: each character as it is or escaped as in JSON, URLs or HTML, or all of it
// in base64. The header's "Token " before it has six bytes, so base64 of the whole header has that of the token in it.
func forms(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, `(?:\\*%s|%%(?i:%02x)|\\*u00(?i:%02[2]x)|&#?\w+;)`, regexp.QuoteMeta(text[i:i+1]), text[i])
	}
	// What follows changes the last characters of base64, unless they stand for three whole bytes.
	if whole := []byte(text[:len(text)/3*3]); len(whole) > 0 {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			b.WriteString("|" + regexp.QuoteMeta(encoding.EncodeToString(whole)))
		}
	}
	return b.String()
}

// line makes foreign text fit into one line of a log.
func line(s string) string {
	const most = 300
	words := strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	s = strings.Join(words, " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}
