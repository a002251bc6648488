package redact

import (
	"regexp"
	"strings"
)

// named are parts of names of what is secret; harmless are words that only look alike.
var (
	named = regexp.MustCompile(`secret|token|passw|pwd|passphrase|credential|cookie|(api|access|private|signing|encryption|session|account)[-_. ]?key|` +
		`(^|[^a-z])auth($|[^a-z]|orization|entication)|(^|[^a-z])(dsn|sas|pat|pin)($|[^a-z])|connection[-_. ]?string`)
	harmless = regexp.MustCompile(`tokeni[sz]\w*|(max|min|num|new)[-_. ]?tokens`)
)

// Named reports whether something of that name may well be a secret, such as a variable DB_PASSWORD. It rather says so too often.
func Named(name string) bool {
	return named.MatchString(harmless.ReplaceAllString(strings.ToLower(name), ""))
}

// login is the password in a URL; assigned is what a text says that something is, such as --api-key=x.
var (
	login    = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+(@)`)
	assigned = regexp.MustCompile(`([-\w.]+)(\s*=\s*|["']?\s*:\s+|["']\s*:\s*)("[^"]*"|'[^']*'|[^\s"',;&]+)`)
)

// Assigned takes out of a text, such as an argument of a command, what it says that something is whose name looks like that of a secret,
// and passwords in URLs.
func Assigned(text string) string {
	text = login.ReplaceAllString(text, "${1}"+Mark+"${2}")
	return assigned.ReplaceAllStringFunc(text, func(part string) string {
		words := assigned.FindStringSubmatch(part)
		if !Named(words[1]) {
			return part
		}
		return words[1] + words[2] + Mark
	})
}
