// Package redact takes secrets out of text that others wrote. Servers and proxies repeat what they were sent: in a refusal, in a
// redirect, or where nobody expects it, and often in another form than they got it.
package redact

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// Secrets returns what takes the secrets out of a text, in whichever form they are in it. Empty ones are none. That it is a
// function hides the secrets also from those who print the struct around it.
func Secrets(secrets ...string) func(string) string {
	var all []string
	for _, s := range secrets {
		if s != "" {
			all = append(all, forms(s)...)
		}
	}
	if len(all) == 0 {
		return func(text string) string { return text }
	}
	pattern := regexp.MustCompile(strings.Join(all, "|"))
	return func(text string) string { return pattern.ReplaceAllLiteralString(text, Mark) }
}

// Authorization is Secrets for what a header of that name carries.
func Authorization(header string) func(string) string {
	scheme, secret, found := strings.Cut(header, " ")
	if !found {
		return Secrets(header)
	}
	if strings.EqualFold(scheme, "Basic") {
		if login, err := base64.StdEncoding.DecodeString(secret); err == nil {
			_, password, _ := strings.Cut(string(login), ":")
			return Secrets(password, secret)
		}
	}
	return Secrets(secret)
}

// forms are patterns of what a text becomes on its way: each character as it is or escaped as in JSON, Go, URLs or HTML, also more
// than once; or all of it in hexadecimal or decimal bytes, or in base64.
func forms(secret string) []string {
	var each, decimal strings.Builder
	for _, r := range []byte(secret) {
		if decimal.Len() > 0 {
			decimal.WriteString(`[, ]+`)
		}
		fmt.Fprint(&decimal, r)
	}
	for i := 0; i < len(secret); {
		_, size := utf8.DecodeRuneInString(secret[i:])
		each.WriteString(character(secret[i : i+size]))
		i += size
	}
	all := []string{each.String(), `(?i:` + hex.EncodeToString([]byte(secret)) + `)`}
	const enough = 6 // fewer digits could be anything
	if len(secret) >= enough {
		all = append(all, `\b`+decimal.String()+`\b`)
	}
	for before := range 3 { // how many bytes of the first group of three are somebody else's
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		sure := text[(before*8+5)/6 : (before+len(secret))*8/6]
		if len(sure) >= enough {
			all = append(all, `[-\w+/]*`+alphabets(sure)+`[-\w+/=]*`)
		}
	}
	return all
}

// escape is what may stand before an escaped character.
const escape = `(?:\\|%(?:25)*(?i:5c))*`

// character is a pattern of one character: as it is, by its number, or byte by byte. What is no UTF-8 is to regexp, as to many who
// print it, the character for that.
func character(c string) string {
	r, _ := utf8.DecodeRuneInString(c)
	number := fmt.Sprintf(`u%04x|x%02x`, r, r)
	if r >= 0x10000 {
		high, low := utf16.EncodeRune(r)
		number = fmt.Sprintf(`u%08x|u%04x%su%04x`, r, high, escape, low)
	}
	var bytes strings.Builder
	for _, b := range []byte(c) {
		fmt.Fprintf(&bytes, `%s(?:u00%02[2]x|x%02[2]x|%%(?:25)*%02[2]x)`, escape, b)
	}
	return fmt.Sprintf(`(?:%s(?i:%s|%s|%s)|&#?\w+;)`, escape, number, regexp.QuoteMeta(string(r)), bytes.String())
}

// alphabets is a pattern of base64 in both of its alphabets, also where a URL or JSON escaped it.
func alphabets(text string) string {
	return strings.NewReplacer("+", `(?:[-+]|%(?:25)*2[Bb])`, "/", `\\*(?:[_/]|%(?:25)*2[Ff])`).Replace(text)
}
