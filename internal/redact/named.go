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

// account is a user of the web without a password, as which tokens are sent; login is the password of a user, also one with slashes, which
// nobody escaped. What may be a port is none.
var (
	account = regexp.MustCompile(`(?i)(https?://)[^/?#\s:@"'<>,]+(?::(?:x-oauth-basic)?)?@`)
	login   = regexp.MustCompile(`(://[^/\s:@\["']*:)(?:[^/\s]+|(?:[^/\s@]*[^/\s@\d][^/\s@]*|\d{6,})?/\S*)@`)
)

// assigned is a name before what it is in a text, such as api-key= or "apiKey": ; passed is the name of an argument before the next one, such
// as --api-key; scheme is what comes before the secret of a header.
const (
	assigned = `([-\w.]+)(?:\s*=\s*|\\*["']?\s*:\s+|\\*["']\s*:\s*)`
	passed   = `\B(-[-\w.]+)(?:["']\s*,\s*|\s+)`
	scheme   = `(?:(?i:bearer|basic|digest|negotiate|token|apikey)\s+)?`
)

// value is what comes behind one of them, to the end of the text where its quotation mark is missing; prose is what people write behind the
// name of an argument, and nobody as its value.
var (
	before = regexp.MustCompile(assigned + `|` + passed)
	value  = regexp.MustCompile(`^` + scheme + `(?:\\+"[^"]+"?|"(?:[^"\\]|\\.)+"?|'(?:[^'\\]|\\.)+'?|[^\s"',;&]+)`)
	prose  = regexp.MustCompile(`^(?:and|are|for|has|is|must|needs|not|or|to|was|with)$`)
)

// Assigned takes out of a text, such as an argument of a command, what it says that something is whose name looks like that of a secret,
// and passwords and tokens in URLs. It takes as long as the text is.
func Assigned(text string) string { return masked(text, value.FindString) }

// masked is a text without the values, of which valueOf says what each is at the beginning of a text, and without those in URLs.
func masked(text string, valueOf func(string) string) string {
	text = account.ReplaceAllString(text, "${1}"+Mark+"@")
	text = login.ReplaceAllString(text, "${1}"+Mark+"@")
	var b strings.Builder
	told := 0 // bytes of the text
	for _, at := range before.FindAllStringSubmatchIndex(text, -1) {
		argument := at[2] < 0
		name := text[max(at[2], at[4]):max(at[3], at[5])]
		if at[0] < told || !Named(name) || argument && !hasValue(text[at[1]:]) {
			continue
		}
		if is := valueOf(text[at[1]:]); is != "" {
			b.WriteString(text[told:at[1]] + Mark)
			told = at[1] + len(is)
		}
	}
	return b.String() + text[told:]
}

// hasValue reports whether the value of an argument follows, not the next argument or a sentence.
func hasValue(rest string) bool {
	is := value.FindString(rest)
	return !strings.HasPrefix(is, "-") && !prose.MatchString(is)
}
