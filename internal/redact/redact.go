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

// A pattern takes some kB for each character, and secrets may have thousands of them: of those the first enough characters are looked
// for, and go with all that follows. So do those of a text that is no token, from most bytes on.
const (
	enough = 128
	most   = 1 << 10
)

var tokens = regexp.MustCompile(`^[-\w.~+/=:]+$`)

// rest is what may follow the beginning of a token: what tokens and their forms are made of, and nothing that would end a text in JSON.
const rest = `(?:[, ]+\d+\b)*[-\w.~+/=:%\\&#;]*`

// Secrets returns what takes the secrets out of a text, in whichever form they are in it. Empty ones are none. That it is a
// function hides the secrets also from those who print the struct around it.
func Secrets(secrets ...string) func(string) string {
	var all []string
	var texts []func(string) string // go first: the others may be part of them
	for _, s := range secrets {
		switch {
		case s == "":
		case len(s) > enough && tokens.MatchString(s):
			all = append(all, `(?:`+strings.Join(forms(s[:enough]), "|")+`)`+rest)
		case len(s) > most:
			texts = append(texts, long(s))
		default:
			all = append(all, forms(s)...)
		}
	}
	if len(all) > 0 {
		pattern := regexp.MustCompile(strings.Join(all, "|"))
		texts = append(texts, func(text string) string { return pattern.ReplaceAllLiteralString(text, Mark) })
	}
	return func(text string) string {
		for _, clean := range texts {
			text = clean(text)
		}
		return text
	}
}

// long returns what takes a text out of another one by its beginning: as much of it as is there, or in another form than it is, whose
// end can't be told, all that follows.
func long(secret string) func(string) string {
	n := enough
	for n > enough-utf8.UTFMax && !utf8.RuneStart(secret[n]) { // half a character is another one
		n--
	}
	begins := regexp.MustCompile(strings.Join(forms(secret[:n]), "|"))
	return func(text string) string {
		var b strings.Builder
		for {
			at := begins.FindStringIndex(text)
			if at == nil {
				return b.String() + text
			}
			b.WriteString(text[:at[0]] + Mark)
			same := common(text[at[0]:], secret)
			if same < n {
				return b.String()
			}
			text = text[at[0]+same:]
		}
	}
}

// common is how many bytes two texts begin with that are the same.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// Authorization is what is secret of a header of that name.
func Authorization(header string) []string {
	scheme, secret, found := strings.Cut(header, " ")
	if !found {
		return []string{header}
	}
	if strings.EqualFold(scheme, "Basic") {
		if login, err := base64.StdEncoding.DecodeString(secret); err == nil {
			_, password, _ := strings.Cut(string(login), ":")
			return []string{password, secret}
		}
	}
	return []string{secret}
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
	const telling = 6 // fewer digits could be anything
	if len(secret) >= telling {
		all = append(all, `\b`+decimal.String()+`\b`)
	}
	for before := range 3 { // how many bytes of the first group of three are somebody else's
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		sure := text[(before*8+5)/6 : (before+len(secret))*8/6]
		if len(sure) >= telling {
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
	if r == ' ' { // of a URL's query
		number += `|\+|%(?:25)*2b`
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
