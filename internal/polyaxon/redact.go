package polyaxon

import (
	"strings"
	"unicode"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// cleaner returns what all text goes through that others wrote and people may read. It is one line without the token and the passwords of
// proxies, which the environment has.
func cleaner(token Token) func(string) string {
	clean := redact.Secrets(append(redact.OfProxies(), string(token))...)
	return func(s string) string { return line(clean(s)) } // before the line is cut: half a token is one too many
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
